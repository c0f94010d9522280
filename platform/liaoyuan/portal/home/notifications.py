"""The list behind the bell, ready for its template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import Principal
from liaoyuan.knowledge.sources.models import Source
from liaoyuan.pipeline.models import RunState, StageRun
from liaoyuan.pipeline.notices import Notice, notices
from liaoyuan.pipeline.waits import APPROVAL
from liaoyuan.portal.solutions.timeline import event_words
from liaoyuan.portal.solutions.words import STAGES, link, tells_files, verbs

PER_PAGE: Final = 40


@dataclass(frozen=True)
class NoticeView:
    """One notice. ``verb`` is what the reader can still do about it; ``over`` when somebody did already."""

    seq: int
    at: datetime
    badge: str
    title: str
    words: str
    address: str
    unread: bool
    verb: str
    run_id: Any
    over: bool


@dataclass(frozen=True)
class NoticesView:
    notices: Sequence[NoticeView]
    newest: int
    older: int | None
    unread: bool


def notices_view(principal: Principal, language: str, *, before: int | None = None) -> NoticesView:
    """One page below the event ``before``; ``older`` is where the next page begins."""
    found = notices(principal, before=before, limit=PER_PAGE + 1)
    held = _held(found[:PER_PAGE])
    shown = [_view(notice, principal, language, held) for notice in found[:PER_PAGE]]
    return NoticesView(
        notices=shown,
        newest=shown[0].seq if shown else 0,
        older=shown[-1].seq if len(found) > PER_PAGE else None,
        unread=any(notice.unread for notice in shown),
    )


def _held(found: Sequence[Notice]) -> set[UUID]:
    """Of the runs that asked for a word, those whose question still stands; one query for the page."""
    asking = [notice.event.run_id for notice in found if notice.need == "confirm"]
    if not asking:
        return set()
    runs = StageRun.objects.filter(id__in=asking).values_list("id", "spec__source_id")
    sources = {str(key) for key in Source.objects.filter(held__gt=0).values_list("id", flat=True)}
    return {run_id for run_id, source_id in runs if source_id in sources}


def _view(notice: Notice, principal: Principal, language: str, held: set[UUID]) -> NoticeView:
    event, run = notice.event, notice.event.run
    may = verbs(run, principal)
    wanted = {"approval": "approve", "failed": "retry", "quota": "resume"}.get(notice.need, "")
    verb = wanted if wanted in may and _same(notice) else ""
    name = run.solution.name if run.solution else str(run.spec.get("collection") or run.spec.get("source", ""))
    asks = notice.need == "confirm"
    return NoticeView(
        seq=event.seq,
        at=event.created_at,
        badge="needs-you" if verb == "approve" or (asks and run.id in held) else event.kind,
        title=_title(notice) % {"stage": STAGES.get(run.stage, run.stage), "name": name},
        words=event_words(event.data, language) if tells_files(run, principal) else "",
        address=_address(run, asks=asks),
        unread=notice.unread,
        verb=verb,
        run_id=run.id,
        over=run.id not in held if asks else bool(wanted) and not _same(notice),
    )


def _address(run: StageRun, *, asks: bool) -> str:
    if asks:
        return link("source", run.spec["source_id"])
    if run.solution_id is not None and run.pipeline_id is not None:
        return reverse("solution", args=[run.solution_id])
    return reverse("run", args=[run.id])


def _same(notice: Notice) -> bool:
    """Whether the run still stands where the notice says."""
    run, event = notice.event.run, notice.event
    if run.state != event.kind:
        return False
    return notice.need != "approval" or run.wait_kind == APPROVAL


def _title(notice: Notice) -> str:
    titles = {
        "approval": _("“%(name)s” asks for approval: %(stage)s"),
        "confirm": _("“%(name)s” asks before it ends documents: %(stage)s"),
        "failed": _("“%(name)s” stopped: %(stage)s"),
        "quota": _("“%(name)s” waits: %(stage)s"),
        "done": _("“%(name)s” finished: %(stage)s"),
    }
    if notice.event.kind == RunState.DEAD:
        return _("“%(name)s” was given up: %(stage)s")
    return titles[notice.need]
