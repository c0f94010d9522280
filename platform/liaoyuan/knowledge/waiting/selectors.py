"""Where each file of a collection's imports stands: its state and why, its place in the line, and until when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge.models import DocumentVersion
from liaoyuan.knowledge.waiting.estimates import pace_of
from liaoyuan.knowledge.waiting.models import (
    ITEM_ACTIVE,
    ITEM_AGAIN,
    ITEM_DONE,
    ITEM_OPEN,
    ImportItem,
    ItemState,
)
from liaoyuan.pipeline.models import ACTIVE_STATES, FINAL_STATES, RunState, StageRun
from liaoyuan.pipeline.waiting import WaitReport, crowding, wait_report

RECENT = 50
ENDED = WaitReport("ended", "所属导入已结束，可重试", "its import has ended; it can be tried again")

GOES_ON = WaitReport("line", "导入正在进行，按顺序读取", "its import is going on and reads file by file")


@dataclass(frozen=True)
class FilePlace:
    """One file. ``position`` counts from 1 in its import's line, 0 for one that is being read or has ended.

    ``until`` is when it should be ready; None where nobody can tell: then ``reason`` says what it waits for.
    """

    id: UUID
    run_id: UUID
    name: str
    format: str
    size: int
    state: str
    code: str
    reason_zh: str
    reason_en: str
    position: int
    until: datetime | None
    tries: int
    started_at: datetime | None
    finished_at: datetime | None
    version_id: UUID | None
    pages: int
    chunks: int
    seconds: float


@dataclass(frozen=True)
class Line:
    """The files of a collection's imports by what they do, and some of them one by one."""

    queued: int
    working: int
    rejected: int
    cancelled: int
    until: datetime | None
    files: Sequence[FilePlace]

    @property
    def open(self) -> int:
        return self.queued + self.working


def items_of(collection_id: UUID) -> QuerySet[ImportItem]:
    """The files that the current person may know of: names can say much, so they are for those who see all documents
    and for who brought them."""
    tenant = current_tenant()
    items = ImportItem.objects.filter(collection_id=collection_id)
    return items if tenant.groups is None else items.filter(requested_by=tenant.user_id, requested_by__isnull=False)


def items_current(collection_id: UUID) -> QuerySet[ImportItem]:
    """What is still worth showing: all that is open, and the failures that nobody dealt with: a later version of the
    same file that could be read has settled them."""
    shown = items_of(collection_id).filter(state__in=ITEM_OPEN | ITEM_AGAIN)
    failed = list(items_of(collection_id).filter(state__in=ITEM_AGAIN).values_list("id", "name", "finished_at"))
    if not failed:
        return shown
    # The names as values and not as a subquery: right after ten thousand rows came, before the database has counted
    # them, it would take few for granted and compare each with each.
    names = {name for _id, name, _at in failed}
    settled = ImportItem.objects.filter(collection_id=collection_id, state__in=ITEM_DONE, name__in=names)
    done = dict(settled.order_by().values_list("name").annotate(at=Max("finished_at")))
    old = [item_id for item_id, name, at in failed if (then := done.get(name)) and (at is None or at < then)]
    # Somebody thought better of reading it again: it stands in the index as it did.
    standing = DocumentVersion.objects.filter(id=OuterRef("version_id"), indexed_at__isnull=False)
    return shown.exclude(id__in=old).exclude(Exists(standing), state=ItemState.CANCELLED)


def line_of(collection_id: UUID, *, state: str = "", offset: int = 0, limit: int = RECENT) -> Line:
    """The line of a collection, files in work first, then those in line, then those that failed."""
    items = items_current(collection_id)
    counts: dict[str, Any] = items.aggregate(
        queued=Count("id", filter=Q(state=ItemState.QUEUED)),
        working=Count("id", filter=Q(state__in=ITEM_ACTIVE)),
        rejected=Count("id", filter=Q(state=ItemState.REJECTED)),
        cancelled=Count("id", filter=Q(state=ItemState.CANCELLED)),
    )
    runs = {run.id: _Run.of(run) for run in _runs(items)}
    shown = _ordered(items.filter(state__in=_states(state)))[offset : offset + limit]
    files = [_place(item, runs.get(item.run_id)) for item in shown]
    ends = [run.ends(collection_id) for run in runs.values() if run.open]
    known = [end for end in ends if end is not None]
    return Line(**counts, until=max(known) if known and len(known) == len(ends) else None, files=files)


def _states(state: str) -> Sequence[str]:
    if state == "failed":
        return list(ITEM_AGAIN)
    return list(ITEM_OPEN) if state == "open" else list(ITEM_OPEN | ITEM_AGAIN)


def _runs(items: QuerySet[ImportItem]) -> QuerySet[StageRun]:
    ids = items.filter(state__in=ITEM_OPEN).order_by().values_list("run_id", flat=True).distinct()
    return StageRun.objects.filter(id__in=list(ids))


def _ordered(items: QuerySet[ImportItem]) -> QuerySet[ImportItem]:
    """With its place in the line, and the expected seconds up to its own end."""
    rank = Case(When(state__in=ITEM_ACTIVE, then=Value(0)), When(state=ItemState.QUEUED, then=Value(1)), default=2)
    line: Any = [F("rank").asc(), F("position").asc(), F("id").asc()]
    by_run: dict[str, Any] = {"partition_by": [F("run_id"), F("rank")], "order_by": line[1:]}
    found = items.annotate(rank=rank)
    found = found.annotate(
        place=Window(RowNumber(), **by_run),
        ahead=Window(Sum("expected_seconds"), partition_by=[F("run_id")], order_by=line),
    )
    return found.order_by("rank", "-finished_at", "position", "id")


@dataclass(frozen=True)
class _Run:
    """How an import goes on: not at all, or by this much slower than expected."""

    run: StageRun
    wait: WaitReport | None
    factor: float

    @classmethod
    def of(cls, run: StageRun) -> "_Run":
        recent = ImportItem.objects.filter(run_id=run.id, state__in=ITEM_DONE, share__gt=0)
        pairs = list(recent.order_by("-finished_at").values_list("expected_seconds", "share")[:RECENT])
        return cls(run, wait_report(run), pace_of(pairs) * crowding(run.queue))

    @property
    def open(self) -> bool:
        return self.run.state not in FINAL_STATES

    def until(self, expected: float) -> datetime | None:
        """When so many expected seconds of its work are done."""
        begins = timezone.now() if self.run.state in ACTIVE_STATES else (self.wait.until if self.wait else None)
        if begins is None or self.run.state == RunState.CANCELLING:
            return None
        return max(begins, timezone.now()) + timedelta(seconds=expected * self.factor)

    def ends(self, collection_id: UUID) -> datetime | None:
        left = items_of(collection_id).filter(run_id=self.run.id, state__in=ITEM_OPEN)
        return self.until(left.aggregate(left=Sum("expected_seconds", default=0.0))["left"])


def _why(state: str, run: _Run | None) -> WaitReport | None:
    """Why an open file is not ready: its import waits, goes on, or has ended; None for one in work."""
    if run is None or not run.open:
        return ENDED
    return run.wait or (GOES_ON if state == ItemState.QUEUED else None)


def _place(item: Any, run: _Run | None) -> FilePlace:
    waiting = item.state in ITEM_OPEN
    wait = _why(item.state, run) if waiting else None
    return FilePlace(
        id=item.id,
        run_id=item.run_id,
        name=item.name,
        format=item.format,
        size=item.size,
        state=item.state,
        code=item.code,
        reason_zh=item.reason_zh or (wait.reason_zh if wait else ""),
        reason_en=item.reason_en or (wait.reason_en if wait else ""),
        position=item.place if item.state == ItemState.QUEUED else 0,
        until=run.until(item.ahead) if waiting and run and run.open else None,
        tries=item.tries,
        started_at=item.started_at,
        finished_at=item.finished_at,
        version_id=item.version_id,
        pages=item.pages,
        chunks=item.chunks,
        seconds=item.seconds,
    )
