"""What the live feed asks of the ledger's log; ask inside ``tenant_context``."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.db.models.functions import Now

from liaoyuan.pipeline.models import StageEvent
from liaoyuan.pipeline.selectors import event_payload

# How far back a page may ask for what it missed; above that it looks at everything anew.
REACH = 1000
# What of an event everybody in the organization may know.
FACTS = ("seq", "run", "run_id", "solution_id", "requested_by", "stage", "state", "kind", "at", "progress")


@dataclass(frozen=True)
class News:
    """One event of the log. It is turned into bytes once, however many read it."""

    payload: dict[str, Any]

    @property
    def seq(self) -> int:
        return int(self.payload["seq"])

    @cached_property
    def wire(self) -> bytes:
        """Server-sent events' form, named by its kind."""
        return f"event: {self.payload['kind']}\n".encode() + self.plain

    @cached_property
    def plain(self) -> bytes:
        """The same without a name: a page listens to all kinds. JSON has no raw line break, so one data line does."""
        return _encoded(self.seq, self.payload)

    @cached_property
    def bare(self) -> bytes:
        """The same without words: an import's tell the names of files, which not every member may know."""
        return _encoded(self.seq, {key: self.payload[key] for key in FACTS if key in self.payload})


def _encoded(seq: int, payload: dict[str, Any]) -> bytes:
    return f"id: {seq}\ndata: {json.dumps(payload, ensure_ascii=False)}\n\n".encode()


def latest() -> int:
    """The number of the organization's newest event; 0 where there is none."""
    return StageEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def numbers(after: int) -> list[int]:
    """The numbers of the organization's events above ``after``."""
    return list(StageEvent.objects.filter(seq__gt=after).values_list("seq", flat=True))


def read(
    *,
    after: int,
    without: Sequence[int] = (),
    run_id: UUID | None = None,
    solution_id: UUID | None = None,
    limit: int = REACH,
) -> list[News]:
    """Events with a number above ``after``, in order, as a page reads them."""
    events = StageEvent.objects.filter(seq__gt=after)
    if run_id is not None:
        events = events.filter(run_id=run_id)
    if solution_id is not None:
        events = events.filter(run__solution_id=solution_id)
    return _read(events.exclude(seq__in=without) if without else events, limit)


def read_since(seconds: float) -> list[News]:
    """The organization's events of the last ``seconds``."""
    recent = StageEvent.objects.filter(seq__gt=latest() - REACH, created_at__gt=Now() - timedelta(seconds=seconds))
    return _read(recent, REACH)


def _read(events: "QuerySet[StageEvent]", limit: int) -> list[News]:
    return [News(_payload(event)) for event in events.select_related("run").order_by("seq")[:limit]]


def _payload(event: StageEvent) -> dict[str, Any]:
    run = event.run
    return {
        **event_payload(event),
        "run_id": str(run.id),
        "solution_id": str(run.solution_id) if run.solution_id else None,
        "requested_by": str(run.requested_by) if run.requested_by else None,
        "state": run.state,
    }
