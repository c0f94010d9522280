"""What all six stage pages share: the tabs, the chosen run and what may be done to it, the earlier runs, its log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.urls import reverse

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.errors import NotFound
from liaoyuan.pipeline.contract import PIPELINE_STAGES
from liaoyuan.pipeline.models import ACTIVE_STATES, FINAL_STATES, Pipeline, RunState, Solution, StageEvent, StageRun
from liaoyuan.pipeline.selectors import solution_get
from liaoyuan.pipeline.waiting import WaitReport, wait_report
from liaoyuan.pipeline.waits import APPROVAL
from liaoyuan.portal.solutions.words import verbs
from liaoyuan.portal.stages.words import ACTIONS, NEEDS_YOU, NOT_STARTED, PURPOSES, STATES, TITLES

MOST_RUNS: Final = 20
MOST_EVENTS: Final = 60


@dataclass(frozen=True)
class Tab:
    """One of the six: ``state`` is a word of the badge, ``address`` is empty where the reader may not go."""

    stage: str
    title: Any
    state: str
    label: Any
    address: str
    current: bool


@dataclass(frozen=True)
class Choice:
    """One run of this stage that the reader may look at."""

    id: UUID
    pipeline: int | None
    state: str
    label: Any
    at: datetime
    current: bool


@dataclass(frozen=True)
class RunView:
    """The chosen run in the reader's language. ``percent`` is None unless it works; ``seconds`` once it has ended."""

    row: StageRun
    state: str
    label: Any
    percent: int | None
    line: str
    until: datetime | None
    seconds: float | None
    verbs: Sequence[str]
    reused: bool

    @property
    def id(self) -> UUID:
        return self.row.id

    @property
    def succeeded(self) -> bool:
        return self.row.state == RunState.SUCCEEDED

    @property
    def open(self) -> bool:
        """Whether something may still happen by itself."""
        return self.row.state not in FINAL_STATES


@dataclass(frozen=True)
class Happened:
    """One line of a run's log."""

    at: datetime
    kind: str
    label: Any
    text: str


@dataclass(frozen=True)
class Frame:
    """``run`` is None before the first start; ``newest`` False while an earlier run is looked at."""

    solution: Solution
    stage: str
    title: Any
    purpose: Any
    tabs: Sequence[Tab]
    run: RunView | None
    choices: Sequence[Choice]
    newest: bool
    following: Tab | None


def stage_frame(
    solution_id: UUID, stage: str, principal: Principal, language: str, *, run_id: UUID | None = None
) -> Frame:
    """The frame around ``stage`` of a solution, with ``run_id`` or the newest run. Raises NotFound."""
    solution = solution_get(solution_id)
    pipeline = Pipeline.objects.filter(solution=solution).order_by("-number").first()
    board = list(StageRun.objects.filter(pipeline=pipeline).order_by("position")) if pipeline else []
    runs = list(_runs(solution, stage))
    chosen = _chosen(solution, stage, runs, run_id)
    tabs = _tabs(solution, stage, board, principal)
    return Frame(
        solution=solution,
        stage=stage,
        title=TITLES[stage],
        purpose=PURPOSES[stage],
        tabs=tabs,
        run=run_view(chosen, principal, language) if chosen else None,
        choices=[_choice(run, chosen) for run in runs],
        newest=chosen is None or chosen.id == runs[0].id,
        following=_following(stage, tabs),
    )


def run_view(run: StageRun, principal: Principal, language: str) -> RunView:
    """One run with the sentence that matters now and what the reader may do to it."""
    wait = wait_report(run)
    working = run.state in ACTIVE_STATES
    state, label = badge(run)
    return RunView(
        row=run,
        state=state,
        label=label,
        percent=round(100 * run.progress) if working else None,
        line=_line(run, wait, language),
        until=run.eta if working else (wait.until if wait else None),
        seconds=(run.finished_at - run.started_at).total_seconds() if run.started_at and run.finished_at else None,
        verbs=verbs(run, principal),
        reused=bool(run.result.get("reused")),
    )


def badge(run: StageRun) -> tuple[str, Any]:
    """The badge's word and its label; a run that waits for a person says so."""
    if run.state == RunState.WAITING and run.wait_kind == APPROVAL:
        return "needs-you", NEEDS_YOU
    return run.state, STATES[run.state]


def run_log(run: StageRun, language: str) -> list[Happened]:
    """What happened to a run, oldest first, without the progress between."""
    events = StageEvent.objects.filter(run_id=run.id).exclude(kind="progress").order_by("-seq")[:MOST_EVENTS]
    return [_happened(event, language) for event in reversed(events)]


def _runs(solution: Solution, stage: str) -> Any:
    found = StageRun.objects.filter(solution=solution, stage=stage).select_related("pipeline")
    return found.order_by("-created_at", "-id")[:MOST_RUNS]


def _chosen(solution: Solution, stage: str, runs: Sequence[StageRun], run_id: UUID | None) -> StageRun | None:
    if run_id is None:
        return runs[0] if runs else None
    known = next((run for run in runs if run.id == run_id), None)
    found = known or StageRun.objects.filter(id=run_id, solution=solution, stage=stage).first()
    if found is None:
        raise NotFound
    return found


def _choice(run: StageRun, chosen: StageRun | None) -> Choice:
    state, label = badge(run)
    number = run.pipeline.number if run.pipeline else None
    return Choice(run.id, number, state, label, run.created_at, chosen is not None and run.id == chosen.id)


def _tabs(solution: Solution, stage: str, board: Sequence[StageRun], principal: Principal) -> list[Tab]:
    by_stage = {run.stage: run for run in board}
    return [_tab(solution, name, by_stage.get(name), principal, current=name == stage) for name in PIPELINE_STAGES]


def _tab(solution: Solution, stage: str, run: StageRun | None, principal: Principal, *, current: bool) -> Tab:
    state, label = badge(run) if run else ("draft", NOT_STARTED)
    address = reverse("stage", args=[solution.id, stage]) if allowed(principal, ACTIONS[stage]) else ""
    return Tab(stage, TITLES[stage], state, label, address, current)


def _following(stage: str, tabs: Sequence[Tab]) -> Tab | None:
    place = [tab.stage for tab in tabs].index(stage)
    after = tabs[place + 1] if place + 1 < len(tabs) else None
    return after if after and after.address else None


def _line(run: StageRun, wait: WaitReport | None, language: str) -> str:
    """The one sentence that matters now: why it waits, what it does, what came out, what went wrong."""
    if wait is not None:
        return wait.reason_zh if language == "zh" else wait.reason_en
    if run.error and run.state in FINAL_STATES:
        return str(run.error.get(language) or run.error.get("message", ""))
    if run.state == RunState.SUCCEEDED:
        return str(run.result.get(f"summary_{language}", ""))
    return run.message_zh if language == "zh" else run.message_en


def _happened(event: StageEvent, language: str) -> Happened:
    data = event.data
    error, result = data.get("error") or {}, data.get("result") or {}
    said = (
        data.get(f"wait_{language}"),
        error.get(language),
        result.get(f"summary_{language}"),
        data.get("message"),
        data.get("worker"),
        data.get("note"),
    )
    label = STATES.get(event.kind, event.kind)
    return Happened(event.created_at, event.kind, label, str(next((text for text in said if text), "")))
