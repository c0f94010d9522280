"""Who is missing where somebody waits: queues that nobody serves, and messages that do not go out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Max
from django.urls import reverse

from liaoyuan.pipeline.events import from_now
from liaoyuan.pipeline.models import Outbox, RunState, StageRun, WorkerBeat
from liaoyuan.pipeline.waiting import SILENT_SECONDS, worker_slots

_RELAY: Final = "relay@"
_MOST: Final = 40


@dataclass(frozen=True)
class Away:
    """A queue that waiting runs need and nobody serves; ``since`` its last sign of life, if there was one. The queue is
    empty where the messages to the workers do not go out."""

    queue: str
    since: datetime | None


@dataclass(frozen=True)
class Watch:
    """What a page that somebody waits on shows, and the address that tells it anew; none where nothing waits."""

    away: Sequence[Away]
    address: str


def workers_away(runs: Iterable[StageRun]) -> list[Away]:
    """The queues of ``runs`` that are queued, and that no living worker serves; or the relay that is silent."""
    queued = [run for run in runs if run.state == RunState.QUEUED]
    wanted = sorted({run.queue for run in queued})
    found = [Away(queue, _last_beat(queue)) for queue in wanted if not worker_slots(queue)]
    return found or _relay_away([run.id for run in queued])


def watch(runs: Iterable[StageRun]) -> Watch:
    """For the runs that have not ended of one page. Inside the tenant context."""
    queued = [run for run in runs if run.state == RunState.QUEUED][:_MOST]
    asked = urlencode([("run", str(run.id)) for run in queued])
    return Watch(workers_away(queued), f"{reverse('workers_away')}?{asked}" if queued else "")


def watch_of(run_ids: Sequence[UUID]) -> Watch:
    """The same for runs by their identifiers; those that wait no more are left out."""
    return watch(StageRun.objects.filter(id__in=run_ids[:_MOST]).order_by("created_at"))


def _last_beat(queue: str) -> datetime | None:
    found: datetime | None = WorkerBeat.objects.filter(queues__contains=[queue]).aggregate(at=Max("at"))["at"]
    return found


def _relay_away(run_ids: Sequence[UUID]) -> list[Away]:
    """A doorbell may wait its turn while queues are full: only one that nobody carries is told of."""
    late = Outbox.objects.filter(run_id__in=run_ids, published_at=None, created_at__lt=from_now(-SILENT_SECONDS))
    relays = WorkerBeat.objects.filter(name__startswith=_RELAY)
    if not run_ids or not late.exists() or relays.filter(at__gt=from_now(-SILENT_SECONDS)).exists():
        return []
    return [Away("", relays.aggregate(at=Max("at"))["at"])]
