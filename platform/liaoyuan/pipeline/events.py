"""The append-only log of a run, and the relay's wake-up call.

Write an event only after the run's row was changed in the same transaction: the row's lock then puts the events of one
run in the order of their numbers, and no reader can miss one.
"""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import DateTimeField, ExpressionWrapper, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from liaoyuan.pipeline.models import Outbox, StageEvent, StageRun

RELAY_CHANNEL = "liaoyuan_outbox"
FEED_CHANNEL = "liaoyuan_events"


def plain(value: Any) -> Any:
    """``value`` as JSON can hold it: ids, paths and dates become text."""
    return json.loads(json.dumps(value, default=str, ensure_ascii=False))


def from_now(seconds: float) -> "ExpressionWrapper[CombinedExpression]":
    """A moment by the database's clock: the workers' clocks may differ."""
    return ExpressionWrapper(Now() + Value(timedelta(seconds=seconds)), output_field=DateTimeField())


def event_write(
    *, run_id: UUID, organization_id: UUID, kind: str, using: str = "default", data: dict[str, Any] | None = None
) -> None:
    """Append one event to a run's log."""
    StageEvent.objects.using(using).create(
        organization_id=organization_id, run_id=run_id, kind=kind, data=plain(data or {})
    )
    _notify(FEED_CHANNEL, str(organization_id), using=using)


def doorbell_write(*, run: StageRun, using: str = "default", answered: bool = False) -> None:
    """Put a doorbell for ``run`` into the outbox and wake the relay when this transaction commits.

    ``answered``: the caller takes the run itself. The doorbell counts as rung, so it rings only if nobody came.
    """
    Outbox.objects.using(using).create(
        organization_id=run.organization_id, run_id=run.id, queue=run.queue, published_at=Now() if answered else None
    )
    if not answered:
        relay_wake(using=using)


def relay_wake(*, using: str = "default") -> None:
    """PostgreSQL delivers it on commit, once."""
    _notify(RELAY_CHANNEL, "", using=using)


def _notify(channel: str, payload: str, *, using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
