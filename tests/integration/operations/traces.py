"""Answer traces for tests, recorded by the real service."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from liaoyuan.operations.models import Trace
from liaoyuan.operations.services import trace_record
from liaoyuan.pipeline.ports import AnswerTrace, Span

SPANS = (Span("guard", 0.0, 0.01, {"side": "input"}), Span("retrieve", 0.01, 0.2), Span("rerank", 0.21, 0.05))


def answer_trace(organization: Any, **changes: Any) -> AnswerTrace:
    """One answered question, with every field set to something telling."""
    fields: dict[str, Any] = {
        "id": uuid.uuid4(),
        "organization_id": organization.id,
        "solution_id": uuid.uuid4(),
        "deployment_id": uuid.uuid4(),
        "bundle_id": uuid.uuid4(),
        "user_id": uuid.uuid4(),
        "question": "医疗废物可以贮存几天？",
        "answer": "不得超过2天。",
        "abstained": False,
        "mode": "extractive",
        "model": "smollm2-135m-instruct",
        "citations": (),
        "guard": ({"side": "input", "action": "allow"},),
        "spans": SPANS,
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "seconds": 0.5,
    }
    return AnswerTrace(**(fields | changes))


def recorded(organization: Any, *, at: datetime | None = None, **changes: Any) -> Trace:
    """A stored trace, moved to the time ``at``. Call inside a tenant context."""
    row = trace_record(trace=answer_trace(organization, **changes))
    if at is not None:
        Trace.objects.filter(id=row.id).update(created_at=at)
    return row


def recorded_many(
    organization: Any, solution: uuid.UUID, seconds: Sequence[float], *, at: datetime, **changes: Any
) -> None:
    """One trace for each of ``seconds``, stored in one statement: these tests look at sums only."""
    rows = [
        Trace(organization_id=organization.id, solution_id=solution, mode="extractive", seconds=value, **changes)
        for value in seconds
    ]
    Trace.objects.bulk_create(rows)
    Trace.objects.filter(id__in=[row.id for row in rows]).update(created_at=at)
