"""What of the ledger's events is worth telling a person, and how much of it is new to them.

Nothing is copied: a notice is an event of a run, seen by somebody who may act on it or who asked for the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db.models import Q, QuerySet
from django.utils import timezone

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.pipeline import waits
from liaoyuan.pipeline.contract import StageName
from liaoyuan.pipeline.models import NotificationCursor, RunState, StageEvent

DAYS: Final = 30
# The bell counts no further; the page says "99+".
MOST_COUNTED: Final = 100
BAD: Final = (RunState.FAILED, RunState.ERRORED, RunState.DEAD)
# A stage's end is news when nothing follows it by itself.
LAST: Final = (StageName.OPERATIONS, StageName.INGEST, StageName.EVALUATE, StageName.REINDEX)


@dataclass(frozen=True)
class Notice:
    """One event for one reader; ``need`` is "approval", "confirm", "failed", "quota" or "done"; ``unread`` is new to
    them."""

    event: StageEvent
    need: str
    unread: bool


def notices(principal: Principal, *, before: int | None = None, limit: int = 50) -> Sequence[Notice]:
    """The newest first, below the event ``before``. Needs the tenant context."""
    events = _of_interest(principal)
    if before is not None:
        events = events.filter(seq__lt=before)
    read = cursor_of(principal)
    found = events.select_related("run", "run__solution").order_by("-seq")[:limit]
    return [Notice(event, _need(event), event.seq > read) for event in found]


def unread_count(principal: Principal) -> int:
    """How many notices are new to the person, at most 100. Needs the tenant context."""
    fresh = _of_interest(principal).filter(seq__gt=cursor_of(principal))
    return len(fresh.values_list("seq", flat=True)[:MOST_COUNTED])


def cursor_of(principal: Principal) -> int:
    """The event up to which the person has read; 0 before the first time."""
    found = NotificationCursor.objects.filter(user_id=principal.user_id).values_list("seq", flat=True).first()
    return found or 0


def notices_read(principal: Principal, *, upto: int) -> None:
    """Everything up to the event ``upto`` is known now. The cursor never goes back."""
    cursor, _ = NotificationCursor.objects.select_for_update().get_or_create(
        organization_id=current_tenant().organization_id, user_id=principal.user_id
    )
    if upto > cursor.seq:
        cursor.seq = upto
        cursor.save(update_fields=["seq"])


def _of_interest(principal: Principal) -> QuerySet[StageEvent]:
    """What the person may act on, and how what they asked for ended. What they did themselves is no news to them."""
    mine = Q(run__requested_by=principal.user_id)
    wanted = mine & (Q(kind__in=BAD) | Q(kind=RunState.SUCCEEDED, run__stage__in=LAST))
    if allowed(principal, "run.retry"):
        wanted |= Q(kind__in=BAD)
    if allowed(principal, "deployment.approve"):
        wanted |= Q(kind=RunState.WAITING, data__wait_kind=waits.APPROVAL)
    if allowed(principal, "source.manage"):
        wanted |= Q(kind=RunState.SUCCEEDED, run__stage=StageName.SYNC, data__result__asks__gt=0)
    wanted |= mine & Q(kind=RunState.WAITING, data__wait_kind__in=waits.ASKED_AGAIN)
    since = timezone.now() - timedelta(days=DAYS)
    events = StageEvent.objects.filter(wanted, created_at__gte=since)
    # Most events name nobody, and SQL knows no answer to "is nobody this person".
    return events.filter(Q(data__by__isnull=True) | ~Q(data__by=str(principal.user_id)))


def _need(event: StageEvent) -> str:
    if event.kind == RunState.WAITING:
        return "approval" if event.data.get("wait_kind") == waits.APPROVAL else "quota"
    if event.run.stage == StageName.SYNC and event.kind == RunState.SUCCEEDED:
        return "confirm"
    return "failed" if event.kind in BAD else "done"
