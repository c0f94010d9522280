"""What the status page shows, ready for its template. Rights are the policy table's; nothing is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.deployment.models import Route
from liaoyuan.industry.errors import IndustryError
from liaoyuan.industry.selectors import industry_get
from liaoyuan.knowledge.rights import all_readable
from liaoyuan.operations.models import Trace
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import FINAL_STATES, RunState, Solution, StageEvent, StageRun
from liaoyuan.pipeline.selectors import Board, StageCard, board
from liaoyuan.pipeline.waits import APPROVAL

STAGES: dict[str, Any] = {
    StageName.COMPUTE: _("Build compute"),
    StageName.DATA: _("Curate data"),
    StageName.TRAINING: _("Train model"),
    StageName.DEPLOYMENT: _("Deploy scenario"),
    StageName.SECURITY: _("Secure"),
    StageName.OPERATIONS: _("Operate"),
}
STATES: dict[str, Any] = {
    RunState.WAITING: _("waiting"),
    RunState.QUEUED: _("queued"),
    RunState.RUNNING: _("running"),
    RunState.CANCELLING: _("cancelling"),
    RunState.SUCCEEDED: _("done"),
    RunState.FAILED: _("failed"),
    RunState.ERRORED: _("error"),
    RunState.CANCELLED: _("cancelled"),
    RunState.DEAD: _("given up"),
}
# A state is never told by colour alone.
MARKS = {
    RunState.RUNNING: "▶",
    RunState.CANCELLING: "■",
    RunState.SUCCEEDED: "✓",
    RunState.FAILED: "✕",
    RunState.ERRORED: "✕",
    RunState.DEAD: "✕",
    RunState.CANCELLED: "■",
}
MOST_SOLUTIONS = 20
MOST_ANSWERS = 8


@dataclass(frozen=True)
class StageView:
    """One stage of the board in the reader's language. ``percent`` is None unless it runs."""

    id: UUID
    title: Any
    state: str
    label: Any
    mark: str
    percent: int | None
    line: str
    until: datetime | None
    seconds: float | None
    verbs: Sequence[str]


@dataclass(frozen=True)
class SolutionView:
    """One solution on the page; ``live`` while something may still happen, ``last_event`` where its stream goes on."""

    id: UUID
    name: str
    industry: str
    scenario: str
    route: str | None
    pipeline: int | None
    stages: Sequence[StageView]
    done: int
    live: bool
    last_event: int


@dataclass(frozen=True)
class AnswerView:
    """One recent answer; ``withheld`` where it quotes documents that the reader may not see."""

    question: str
    answer: str
    outcome: Any
    outcome_kind: str
    withheld: bool
    citations: Sequence[dict[str, Any]]
    seconds: float
    at: datetime


def solution_views(principal: Principal, language: str) -> list[SolutionView]:
    """The organization's newest solutions with their boards."""
    solutions = Solution.objects.order_by("-created_at")[:MOST_SOLUTIONS]
    return [solution_view(solution.id, principal, language) for solution in solutions]


def solution_view(solution_id: UUID, principal: Principal, language: str) -> SolutionView:
    """One of them. Raises NotFound."""
    found = board(solution_id)
    solution = found.solution
    industry, scenario = _titles(solution, language)
    states = [card.run.state for card in found.cards]
    last = StageEvent.objects.filter(run__solution_id=solution.id).order_by("-seq").values_list("seq", flat=True)
    return SolutionView(
        id=solution.id,
        name=solution.name,
        industry=industry,
        scenario=scenario,
        route=Route.objects.filter(solution_id=solution.id).values_list("name", flat=True).first(),
        pipeline=found.pipeline.number if found.pipeline else None,
        stages=_stages(found, principal, language),
        done=states.count(RunState.SUCCEEDED),
        live=any(state not in FINAL_STATES for state in states),
        last_event=last.first() or 0,
    )


def answer_views(principal: Principal) -> list[AnswerView]:
    """The newest answers that the reader may see: all for those who watch over them, else one's own."""
    traces = Trace.objects.order_by("-created_at")
    if not allowed(principal, "trace.view"):
        traces = traces.filter(user_id=principal.user_id)
    return [_answer(trace, principal) for trace in traces[:MOST_ANSWERS]]


def _titles(solution: Solution, language: str) -> tuple[str, str]:
    """The pack's own words; its names where the pack is gone or refused."""
    try:
        pack = industry_get(solution.industry)
        titles = pack.spec.title, pack.scenario(solution.scenario).title
    except IndustryError:
        return solution.industry, solution.scenario
    return tuple(title.zh if language == "zh" else title.en for title in titles)  # type: ignore[return-value]


def _stages(found: Board, principal: Principal, language: str) -> list[StageView]:
    return [_stage(card, principal, language) for card in found.cards]


def _stage(card: StageCard, principal: Principal, language: str) -> StageView:
    run = card.run
    running = run.state in (RunState.RUNNING, RunState.CANCELLING)
    seconds = (run.finished_at - run.started_at).total_seconds() if run.started_at and run.finished_at else None
    return StageView(
        id=run.id,
        title=STAGES.get(run.stage, run.stage),
        state=run.state,
        label=STATES[run.state],
        mark=MARKS.get(RunState(run.state), "○"),
        percent=round(100 * run.progress) if running else None,
        line=_line(card, language),
        until=run.eta if running else (card.wait.until if card.wait else None),
        seconds=seconds,
        verbs=_verbs(run, principal),
    )


def _line(card: StageCard, language: str) -> str:
    """The one sentence that matters now: why it waits, what it does, what came out, what went wrong."""
    run = card.run
    if card.wait is not None:
        return card.wait.reason_zh if language == "zh" else card.wait.reason_en
    if run.error:
        return str(run.error.get(language) or run.error.get("message", ""))
    if run.state == RunState.SUCCEEDED:
        return str(run.result.get(f"summary_{language}", ""))
    return run.message_zh if language == "zh" else run.message_en


def _verbs(run: StageRun, principal: Principal) -> list[str]:
    """What the reader may do to the run now; the services ask the policy table again."""
    found = []
    if run.state == RunState.WAITING and run.wait_kind == APPROVAL and allowed(principal, "deployment.approve"):
        found.append("approve")
    active = run.state in (RunState.QUEUED, RunState.RUNNING) or (run.state == RunState.WAITING and bool(found))
    if active and allowed(principal, "run.cancel"):
        found.append("cancel")
    if run.state in FINAL_STATES - {RunState.SUCCEEDED} and allowed(principal, "run.retry"):
        found.append("retry")
    return found


def _answer(trace: Trace, principal: Principal) -> AnswerView:
    readable = trace.user_id == principal.user_id or all_readable(trace.citations)
    kind, label = _outcome(trace)
    return AnswerView(
        question=trace.question if readable else "",
        answer=trace.answer if readable else "",
        outcome=label,
        outcome_kind=kind,
        withheld=not readable,
        citations=trace.citations if readable else [],
        seconds=trace.seconds,
        at=trace.created_at,
    )


def _outcome(trace: Trace) -> tuple[str, Any]:
    if trace.error:
        return "failed", _("error")
    if trace.blocked:
        return "failed", _("withheld by the guardrail")
    if trace.abstained:
        return "waiting", _("not answered: no evidence")
    return "succeeded", _("answered with citations") if trace.citations else _("answered")
