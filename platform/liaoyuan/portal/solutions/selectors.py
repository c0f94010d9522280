"""What the lists of solutions show, ready for their templates; a page of twenty asks as often as a page of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.deployment.models import Route
from liaoyuan.industry.selectors import industry_names
from liaoyuan.pipeline.contract import PIPELINE_STAGES
from liaoyuan.pipeline.models import FINAL_STATES, Pipeline, RunState, Solution, StageRun
from liaoyuan.pipeline.selectors import StageCard
from liaoyuan.pipeline.waiting import WaitReport
from liaoyuan.pipeline.waits import APPROVAL
from liaoyuan.portal.solutions.board import stage_line
from liaoyuan.portal.solutions.words import STAGES, Titles
from liaoyuan.portal.stages.words import NEEDS_YOU, NOT_STARTED, STATES

PER_PAGE = 20
BAD = (RunState.FAILED, RunState.ERRORED, RunState.DEAD)
# What the filter offers, and what each means of the newest pass.
FILTERS = ("active", "waiting", "bad", "done", "new", "archived")


@dataclass(frozen=True)
class Segment:
    """One of the six of the stage bar."""

    stage: str
    title: Any
    state: str
    label: Any


@dataclass(frozen=True)
class SolutionRow:
    """One solution in a list. ``stage`` is where it stands, ``line`` what it does there or why it waits."""

    id: UUID
    name: str
    industry: str
    scenario: str
    number: int | None
    segments: Sequence[Segment]
    done: int
    badge: str
    label: Any
    stage: Any
    line: str
    percent: int | None
    route: str
    archived: bool
    at: datetime


def solutions_page(
    principal: Principal, language: str, *, text: str = "", state: str = "", industry: str = "", number: str | int = 1
) -> Page[SolutionRow]:
    """One page of the organization's solutions, the newest first."""
    found = _filtered(state)
    if text:
        found = found.filter(name__icontains=text)
    if industry:
        found = found.filter(industry=industry)
    page: Any = Paginator(found.order_by("-created_at", "id"), PER_PAGE).get_page(number)
    page.object_list = solution_rows(page.object_list, principal, language)
    return page  # type: ignore[no-any-return]


def solution_rows(solutions: Iterable[Solution], principal: Principal, language: str) -> list[SolutionRow]:
    """The rows of ``solutions``, in their order."""
    solutions, titles = list(solutions), Titles(language)
    ids = [solution.id for solution in solutions]
    newest = Pipeline.objects.filter(solution__in=ids).order_by("solution_id", "-number").distinct("solution_id")
    pipelines = {pipeline.solution_id: pipeline for pipeline in newest}
    runs: dict[UUID, list[StageRun]] = {}
    for run in StageRun.objects.filter(pipeline__in=[each.id for each in pipelines.values()]).order_by("position"):
        if run.pipeline_id is not None:
            runs.setdefault(run.pipeline_id, []).append(run)
    routes = dict(Route.objects.filter(solution_id__in=ids).values_list("solution_id", "name"))
    rows = []
    for solution in solutions:
        pipeline = pipelines.get(solution.id)
        stages = runs.get(pipeline.id, []) if pipeline else []
        rows.append(_row(solution, pipeline, stages, routes.get(solution.id, ""), titles, principal))
    return rows


def solution_row(solution_id: UUID, principal: Principal, language: str) -> SolutionRow | None:
    """One of them; None for a missing or foreign one."""
    rows = solution_rows(Solution.objects.filter(id=solution_id), principal, language)
    return rows[0] if rows else None


def solutions_live() -> QuerySet[Solution]:
    """Those that are not archived."""
    return Solution.objects.filter(archived_at__isnull=True)


def industries_offered(language: str) -> list[tuple[str, str]]:
    """(name, title) of every installed pack, for a filter."""
    titles = Titles(language)
    return [(name, titles.industry(name)) for name in industry_names()]


def _filtered(state: str) -> QuerySet[Solution]:
    if state == "archived":
        return Solution.objects.filter(archived_at__isnull=False)
    found = solutions_live()
    if state not in FILTERS:
        return found
    newest = Pipeline.objects.filter(solution=OuterRef("pk")).order_by("-number").values("id")[:1]
    found = found.annotate(newest=Subquery(newest))
    if state == "new":
        return found.filter(newest__isnull=True)
    runs = StageRun.objects.filter(pipeline=OuterRef("newest"))
    bad, open_runs = runs.filter(state__in=BAD), runs.exclude(state__in=FINAL_STATES)
    asked = runs.filter(state=RunState.WAITING, wait_kind=APPROVAL)
    return found.filter(newest__isnull=False).filter(_condition(state, bad, open_runs, asked))


def _condition(state: str, bad: QuerySet[StageRun], active: QuerySet[StageRun], asked: QuerySet[StageRun]) -> Q:
    conditions = {
        "bad": Q(Exists(bad)),
        "waiting": Q(Exists(asked)),
        "active": Q(Exists(active)) & ~Q(Exists(bad)),
        "done": ~Q(Exists(active)) & ~Q(Exists(bad)),
    }
    return conditions[state]


def _row(
    solution: Solution,
    pipeline: Pipeline | None,
    runs: list[StageRun],
    route: str,
    titles: Titles,
    principal: Principal,
) -> SolutionRow:
    here = current_run(runs)
    badge, label = _badge(here, principal)
    return SolutionRow(
        id=solution.id,
        name=solution.name,
        industry=titles.industry(solution.industry),
        scenario=titles.scenario(solution.industry, solution.scenario),
        number=pipeline.number if pipeline else None,
        segments=_segments(runs),
        done=sum(run.state == RunState.SUCCEEDED for run in runs),
        badge=badge,
        label=label,
        stage=STAGES.get(here.stage, here.stage) if here else "",
        line=stage_line(StageCard(here, _wait(here)), titles.language) if here else "",
        percent=round(100 * here.progress) if here and here.state == RunState.RUNNING else None,
        route=route,
        archived=solution.archived_at is not None,
        at=pipeline.created_at if pipeline else solution.created_at,
    )


def current_run(runs: Sequence[StageRun]) -> StageRun | None:
    """Where the pass stands: the first stage that has not succeeded, or the last."""
    return next((run for run in runs if run.state != RunState.SUCCEEDED), runs[-1] if runs else None)


def _badge(here: StageRun | None, principal: Principal) -> tuple[str, Any]:
    if here is None:
        return "draft", NOT_STARTED
    waits = here.state == RunState.WAITING and here.wait_kind == APPROVAL
    if waits and allowed(principal, "deployment.approve"):
        return "needs-you", NEEDS_YOU
    return here.state, STATES[here.state]


def _wait(run: StageRun) -> WaitReport | None:
    """The reason as the row keeps it: counting the line before each run is the board's business."""
    if run.state not in (RunState.WAITING, RunState.QUEUED):
        return None
    return WaitReport(run.wait_kind, run.wait_reason_zh, run.wait_reason_en)


def _segments(runs: list[StageRun]) -> list[Segment]:
    states = {run.stage: run.state for run in runs}
    found = []
    for stage in PIPELINE_STAGES:
        state = states.get(stage, "")
        found.append(Segment(stage.value, STAGES[stage], state or "none", STATES.get(state, NOT_STARTED)))
    return found
