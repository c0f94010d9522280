"""When a generation that no search reads is freed: one that retired for good, one whose build stopped."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from liaoyuan.errors import LiaoyuanError
from liaoyuan.knowledge.models import IndexState, SearchIndex
from liaoyuan.knowledge.shadow.swapping import generation_remove
from liaoyuan.pipeline.models import FINAL_STATES, RunState, StageRun

# A retired generation can be gone back to, a stopped build taken up again, for so long.
KEPT: Final = timedelta(days=14)


def generations_due(indexes: Sequence[SearchIndex]) -> dict[UUID, datetime]:
    """When each of a collection's generations is freed; those that stay are not named. ``indexes``: all of them."""
    stopped = _stopped([each for each in indexes if each.state in (IndexState.BUILDING, IndexState.FAILED)])
    retired = {each.id: _retired(each, indexes) for each in indexes if each.state == IndexState.RETIRED}
    ends = stopped | {key: at for key, at in retired.items() if at is not None}
    return {key: at + KEPT for key, at in ends.items()}


def generations_forget(collection_id: UUID) -> int:
    """Free a collection's generations whose time is over; how many. Inside the tenant context."""
    indexes = list(SearchIndex.objects.filter(collection_id=collection_id))
    now = timezone.now()
    return sum(_free(key) for key, at in generations_due(indexes).items() if at <= now)


def _free(index_id: UUID) -> bool:
    try:
        generation_remove(index_id)
    except LiaoyuanError:
        return False  # somebody went back to it, or dropped it, at this very moment
    return True


def _retired(index: SearchIndex, others: Sequence[SearchIndex]) -> datetime | None:
    """The moment at which another generation took its place."""
    moments = [each.live_at for each in others if each.id != index.id and each.live_at is not None]
    later = [at for at in moments if index.live_at is None or at > index.live_at]
    return min(later or moments, default=None)


def _stopped(building: Sequence[SearchIndex]) -> dict[UUID, datetime]:
    """When the builds stopped that nobody carries on: their run ended, or there is none."""
    runs = StageRun.objects.in_bulk([index.run_id for index in building if index.run_id])
    found = {}
    for index in building:
        run = runs.get(index.run_id) if index.run_id else None
        if run is None:
            found[index.id] = index.created_at
        elif run.state in FINAL_STATES - {RunState.SUCCEEDED}:
            found[index.id] = run.finished_at or index.created_at
    return found
