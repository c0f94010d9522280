"""What the board of one solution shows, ready for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.deployment.models import Route
from liaoyuan.pipeline.models import FINAL_STATES, Pipeline, RunState, StageEvent, StageRun
from liaoyuan.pipeline.selectors import Board, StageCard, board
from liaoyuan.portal.away import Away, workers_away
from liaoyuan.portal.solutions.words import (
    STAGES,
    Titles,
    duration,
    in_language,
    link,
    seconds_between,
    tells_files,
    verbs,
)
from liaoyuan.portal.stages.words import NEEDS_YOU, STATES


@dataclass(frozen=True)
class StageView:
    """One stage in the reader's language. ``percent`` is None unless it runs, ``since`` is when this state began."""

    id: UUID
    stage: str
    position: int
    title: Any
    state: str
    badge: str
    label: Any
    percent: int | None
    line: str
    since: datetime | None
    until: datetime | None
    took: str
    attempt: int
    most_attempts: int
    verbs: Sequence[str]
    address: str
    wait_kind: str


@dataclass(frozen=True)
class ImportView:
    """An import that the first stage waits for."""

    id: UUID
    state: str
    label: Any
    percent: int | None
    line: str


@dataclass(frozen=True)
class BoardView:
    """The board. ``newest`` False: an older pass, which nobody steers from here."""

    id: UUID
    name: str
    industry: str
    scenario: str
    route: str
    number: int | None
    passes: Sequence[int]
    stages: Sequence[StageView]
    imports: Sequence[ImportView]
    away: Sequence[Away]
    done: int
    live: bool
    newest: bool
    archived: bool
    started_at: datetime | None
    finished_at: datetime | None
    may_run: bool
    may_change: bool


def board_view(solution_id: UUID, principal: Principal, language: str, number: int | None = None) -> BoardView:
    """Raises NotFound for a missing or foreign solution, or a pass that there never was."""
    found = board(solution_id, number=number)
    passes = list(Pipeline.objects.filter(solution_id=solution_id).order_by("-number").values_list("number", flat=True))
    newest = found.pipeline is None or found.pipeline.number == passes[0]
    stages = stage_views(found, principal, language, steer=newest)
    states = [card.run.state for card in found.cards]
    titles, solution = Titles(language), found.solution
    live = any(state not in FINAL_STATES for state in states)
    return BoardView(
        id=solution.id,
        name=solution.name,
        industry=titles.industry(solution.industry),
        scenario=titles.scenario(solution.industry, solution.scenario),
        route=Route.objects.filter(solution_id=solution.id).values_list("name", flat=True).first() or "",
        number=found.pipeline.number if found.pipeline else None,
        passes=passes,
        stages=stages,
        imports=_imports(found, principal, language),
        away=workers_away([card.run for card in found.cards]),
        done=states.count(RunState.SUCCEEDED),
        live=live,
        newest=newest,
        archived=solution.archived_at is not None,
        started_at=found.pipeline.created_at if found.pipeline else None,
        finished_at=found.pipeline.finished_at if found.pipeline else None,
        may_run=allowed(principal, "solution.run") and not live and newest,
        may_change=allowed(principal, "solution.create"),
    )


def stage_views(found: Board, principal: Principal, language: str, *, steer: bool = True) -> list[StageView]:
    """The stages in order."""
    since = _since([card.run for card in found.cards])
    return [_stage(card, principal, language, since.get(card.run.id), steer) for card in found.cards]


def stage_line(card: StageCard, language: str) -> str:
    """The one sentence that matters now: why it waits, what it does, what came out, what went wrong."""
    run = card.run
    if card.wait is not None:
        return card.wait.reason_zh if language == "zh" else card.wait.reason_en
    if run.error:
        return str(run.error.get(language) or run.error.get("message", ""))
    if run.state == RunState.SUCCEEDED:
        return in_language(run.result, "summary", language)
    return run.message_zh if language == "zh" else run.message_en


def _since(runs: Sequence[StageRun]) -> dict[UUID, datetime]:
    """When each run came into its present state: its last event that is not mere progress."""
    events = StageEvent.objects.filter(run__in=[run.id for run in runs]).exclude(kind__in=("progress", "log"))
    return dict(events.values_list("run_id").annotate(at=Max("created_at")).order_by())


def _stage(card: StageCard, principal: Principal, language: str, since: datetime | None, steer: bool) -> StageView:
    run = card.run
    running = run.state in (RunState.RUNNING, RunState.CANCELLING)
    may = verbs(run, principal) if steer else ()
    mine = "approve" in may
    return StageView(
        id=run.id,
        stage=run.stage,
        position=run.position + 1,
        title=STAGES.get(run.stage, run.stage),
        state=run.state,
        badge="needs-you" if mine else run.state,
        label=NEEDS_YOU if mine else STATES[run.state],
        percent=round(100 * run.progress) if running else None,
        line=stage_line(card, language),
        since=since,
        until=run.eta if running else (card.wait.until if card.wait else None),
        took=duration(seconds_between(run)),
        attempt=run.attempt,
        most_attempts=run.max_attempts,
        verbs=may,
        address=link("stage", run.solution_id, run.stage),
        wait_kind=card.wait.kind if card.wait else "",
    )


def _imports(found: Board, principal: Principal, language: str) -> list[ImportView]:
    """The imports that this pass was started over, while one of them has not succeeded."""
    named = found.cards[0].run.spec.get("after", ()) if found.cards else ()
    runs = list(StageRun.objects.filter(id__in=named).order_by("created_at")) if named else []
    if all(run.state == RunState.SUCCEEDED for run in runs):
        return []
    return [import_view(run, principal, language) for run in runs]


def import_view(run: StageRun, principal: Principal, language: str) -> ImportView:
    """One import; what it says of its files only to those who may know their names."""
    told = tells_files(run, principal)
    return ImportView(
        id=run.id,
        state=run.state,
        label=STATES[run.state],
        percent=round(100 * run.progress) if run.state == RunState.RUNNING else None,
        line=stage_line(StageCard(run, None), language) if told else "",
    )
