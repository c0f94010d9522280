"""What the page of one run shows: where it stands and why, its attempts, what it took and gave, its log."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from liaoyuan.accounts.policy import Principal
from liaoyuan.pipeline.models import FINAL_STATES, Artifact, RunState, StageEvent, StageRun
from liaoyuan.pipeline.selectors import StageCard, run_get, run_inputs
from liaoyuan.pipeline.waiting import wait_report
from liaoyuan.portal.away import Away, workers_away
from liaoyuan.portal.solutions.board import stage_line
from liaoyuan.portal.solutions.timeline import CHATTER, Attempt, EventView, attempts, event_views, people_named
from liaoyuan.portal.solutions.words import (
    STAGES,
    duration,
    link,
    seconds_between,
    tells_files,
    verbs,
)
from liaoyuan.portal.stages.words import NEEDS_YOU, STATES

EVENTS_SHOWN: Final = 100
# What is the machinery's own in a spec.
HIDDEN: Final = ("paths", "inputs", "after")


@dataclass(frozen=True)
class Piece:
    """An artifact that a run took or gave; ``address`` leads into its lineage."""

    kind: str
    name: str
    size: int
    sha256: str
    address: str


@dataclass(frozen=True)
class FileView:
    """What became of one imported file."""

    name: str
    state: str
    reason: str
    pages: int
    chunks: int
    version_id: str


@dataclass(frozen=True)
class RunView:
    """One run in the reader's language."""

    run: StageRun
    title: Any
    solution_name: str
    number: int | None
    badge: str
    label: Any
    line: str
    percent: int | None
    wait_kind: str
    until: datetime | None
    took: str
    expected: str
    who: str
    verbs: Sequence[str]
    away: Sequence[Away]
    attempts: Sequence[Attempt]
    events: Sequence[EventView]
    more_events: bool
    took_in: Sequence[Piece]
    gave: Sequence[Piece]
    files: Sequence[FileView]
    spec: str
    error_code: str
    live: bool


def run_view(run_id: UUID, principal: Principal, language: str, *, chatter: bool = False) -> RunView:
    """Raises NotFound. ``chatter``: with progress and log lines."""
    run = run_get(run_id)
    wait, may = wait_report(run), verbs(run, principal)
    told = tells_files(run, principal)
    happened = StageEvent.objects.filter(run=run).exclude(kind__in=CHATTER).select_related("run").order_by("seq")
    shown = StageEvent.objects.filter(run=run).select_related("run").order_by("-seq")
    if not chatter:
        shown = shown.exclude(kind__in=CHATTER)
    newest = list(shown[: EVENTS_SHOWN + 1])
    mine = "approve" in may
    return RunView(
        run=run,
        title=STAGES.get(run.stage, run.stage),
        solution_name=run.solution.name if run.solution else "",
        number=run.pipeline.number if run.pipeline else None,
        badge="needs-you" if mine else run.state,
        label=NEEDS_YOU if mine else STATES[run.state],
        line=stage_line(StageCard(run, wait), language) if told else "",
        percent=round(100 * run.progress) if run.state == RunState.RUNNING else None,
        wait_kind=wait.kind if wait else "",
        until=wait.until if wait else run.eta,
        took=duration(seconds_between(run)),
        expected=duration(run.expected_seconds or None),
        who=people_named([run.requested_by]).get(str(run.requested_by), ""),
        verbs=may,
        away=workers_away([run]),
        attempts=attempts(happened, language),
        events=event_views(newest[:EVENTS_SHOWN], principal, language),
        more_events=len(newest) > EVENTS_SHOWN,
        took_in=_took(run),
        gave=_gave(run),
        files=_files(run, language) if told else (),
        spec=_spec(run) if told else "",
        error_code=str(run.error.get("code", "")) if run.error else "",
        live=run.state not in FINAL_STATES,
    )


def _took(run: StageRun) -> list[Piece]:
    return [
        Piece(ref.kind, ref.name, int(ref.meta.get("size") or 0), ref.sha256, link("lineage_of", ref.kind, ref.id))
        for ref in run_inputs(run).values()
    ]


def _gave(run: StageRun) -> list[Piece]:
    ids = [item["id"] for item in run.result.get("artifacts", [])]
    made = Artifact.objects.filter(id__in=ids).order_by("kind", "name")
    return [Piece(a.kind, a.name, a.size, a.sha256, link("lineage_of", a.kind, a.id)) for a in made]


def _files(run: StageRun, language: str) -> list[FileView]:
    """An import's files, those that need somebody first."""
    found = [_file(item, language) for item in run.result.get("files", [])]
    return sorted(found, key=lambda file: (file.state == "ready", file.name))


def _file(item: dict[str, Any], language: str) -> FileView:
    reason = item.get("reason_en" if language == "en" else "reason") or item.get("reason") or ""
    return FileView(
        name=str(item.get("path", "")).rsplit("/", 1)[-1],
        state=str(item.get("state", "")),
        reason=str(reason),
        pages=int(item.get("pages") or 0),
        chunks=int(item.get("chunks") or 0),
        version_id=str(item.get("version_id") or ""),
    )


def _spec(run: StageRun) -> str:
    shown = {key: value for key, value in run.spec.items() if key not in HIDDEN}
    return json.dumps(shown, ensure_ascii=False, indent=2) if shown else ""
