"""Write what happened: traces as they come, feedback, daily sums."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, FloatField, Q, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from liaoyuan.accounts.selectors import organization_ids
from liaoyuan.accounts.services import audit_record
from liaoyuan.accounts.tenancy import current_tenant, tenant_context
from liaoyuan.errors import InvalidInput, NotFound
from liaoyuan.operations.metrics import observe
from liaoyuan.operations.models import DailyRollup, Feedback, FeedbackReason, Trace, TraceSpan
from liaoyuan.operations.percentile import Percentile
from liaoyuan.pipeline.models import Lineage
from liaoyuan.pipeline.ports import AnswerTrace, costs

LONGEST_ERROR = 300
LONGEST_COMMENT = 2000
# Late traces (a long stream over midnight) still find their day when it is summed again.
ROLLUP_DAYS = 2


class TraceStore:
    """Serves ``pipeline.ports.TraceSink``: a trace, its spans and its lineage in the caller's transaction."""

    def record(self, trace: AnswerTrace) -> None:
        trace_record(trace=trace)


def trace_record(*, trace: AnswerTrace) -> Trace:
    """Store ``trace`` under its own id, with lineage from bundle and cited document versions to the answer."""
    row = Trace.objects.create(
        id=trace.id,
        organization_id=trace.organization_id,
        solution_id=trace.solution_id,
        deployment_id=trace.deployment_id,
        bundle_id=trace.bundle_id,
        user_id=trace.user_id,
        question=trace.question,
        answer=trace.answer,
        abstained=trace.abstained,
        blocked=_blocked(trace),
        mode=trace.mode,
        model=trace.model,
        citations=list(trace.citations),
        guard=list(trace.guard),
        prompt_tokens=trace.prompt_tokens,
        completion_tokens=trace.completion_tokens,
        seconds=trace.seconds,
        cost=costs().of_seconds(trace.seconds),
        error=trace.error[:LONGEST_ERROR],
    )
    TraceSpan.objects.bulk_create(_spans(trace))
    Lineage.objects.bulk_create(_edges(trace), ignore_conflicts=True)
    # Counted when it is stored: what was rolled back never happened.
    transaction.on_commit(partial(observe, row))
    return row


def _blocked(trace: AnswerTrace) -> bool:
    """Whether the guardrail kept the answer back.

    Evidence that it took out beforehand, and an escalation beside which the question was answered, keep nothing back.
    """
    return any(
        verdict["action"] == "block" or (verdict["action"] == "escalate" and not verdict.get("may_answer", False))
        for verdict in trace.guard
        if verdict.get("side") != "document"
    )


def _spans(trace: AnswerTrace) -> list[TraceSpan]:
    return [
        TraceSpan(
            organization_id=trace.organization_id,
            trace_id=trace.id,
            position=position,
            name=span.name,
            start=span.start,
            seconds=span.seconds,
            attributes=dict(span.attributes),
        )
        for position, span in enumerate(trace.spans)
    ]


def _edges(trace: AnswerTrace) -> list[Lineage]:
    cited = {c["document_version_id"] for c in trace.citations if c.get("document_version_id")}
    parents = [("document_version", version, "cited_by") for version in sorted(map(str, cited))]
    if trace.bundle_id:
        parents.append(("bundle", str(trace.bundle_id), "answered_by"))
    return [
        Lineage(
            organization_id=trace.organization_id,
            parent_kind=kind,
            parent_id=UUID(parent),
            child_kind="answer",
            child_id=trace.id,
            relation=relation,
        )
        for kind, parent, relation in parents
    ]


def feedback_give(*, trace_id: UUID, user_id: UUID, helpful: bool, reason: str = "", comment: str = "") -> Feedback:
    """Record a verdict on an answer. A bad one needs a reason; a missing or foreign trace is NotFound."""
    if not Trace.objects.filter(id=trace_id).exists():
        raise NotFound
    if reason and reason not in FeedbackReason.values:
        raise InvalidInput(detail=f"reason: {', '.join(FeedbackReason.values)}")
    if not helpful and not reason:
        raise InvalidInput(detail="a bad answer needs a reason / 请说明原因")
    if len(comment) > LONGEST_COMMENT:
        raise InvalidInput(detail=f"comment: {len(comment)} > {LONGEST_COMMENT}")
    feedback, _ = Feedback.objects.update_or_create(
        organization_id=current_tenant().organization_id,
        trace_id=trace_id,
        user_id=user_id,
        defaults={"helpful": helpful, "reason": reason, "comment": comment},
    )
    audit_record(action="feedback.give", object_kind="trace", object_id=trace_id, detail={"helpful": helpful})
    return feedback


def feedback_withdraw(*, trace_id: UUID, user_id: UUID) -> bool:
    """Take back one's own verdict; whether there was one."""
    gone, _ = Feedback.objects.filter(trace_id=trace_id, user_id=user_id).delete()
    if gone:
        audit_record(action="feedback.withdraw", object_kind="trace", object_id=trace_id, detail={})
    return gone > 0


def rollup_day(*, day: date) -> int:
    """Sum one UTC day of the current organization, solution by solution; how many rows were written."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    traces = Trace.objects.filter(
        created_at__gte=start, created_at__lt=start + timedelta(days=1), solution_id__isnull=False
    )
    sums = traces.values("solution_id").annotate(
        answers=Count("id"),
        n_abstained=Count("id", filter=Q(abstained=True)),
        n_blocked=Count("id", filter=Q(blocked=True)),
        n_errors=Count("id", filter=~Q(error="")),
        prompt=Coalesce(Sum("prompt_tokens"), 0),
        completion=Coalesce(Sum("completion_tokens"), 0),
        spent=Coalesce(Sum("cost"), 0.0, output_field=FloatField()),
        p50=Percentile(F("seconds"), fraction=0.5),
        p95=Percentile(F("seconds"), fraction=0.95),
    )
    for row in sums:
        _rollup_save(day, dict(row))
    return len(sums)


def _rollup_save(day: date, row: dict[str, Any]) -> None:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    verdicts = Feedback.objects.filter(
        trace__solution_id=row["solution_id"],
        trace__created_at__gte=start,
        trace__created_at__lt=start + timedelta(days=1),
    ).aggregate(up=Count("id", filter=Q(helpful=True)), down=Count("id", filter=Q(helpful=False)))
    DailyRollup.objects.update_or_create(
        organization_id=current_tenant().organization_id,
        day=day,
        solution_id=row["solution_id"],
        defaults={
            "answers": row["answers"],
            "abstained": row["n_abstained"],
            "blocked": row["n_blocked"],
            "errors": row["n_errors"],
            "prompt_tokens": row["prompt"],
            "completion_tokens": row["completion"],
            "cost": row["spent"],
            "p50_seconds": row["p50"],
            "p95_seconds": row["p95"],
            "helpful": verdicts["up"],
            "unhelpful": verdicts["down"],
        },
    )


def rollup_all() -> int:
    """Sum today and yesterday for every organization; called by beat."""
    today = timezone.now().astimezone(UTC).date()
    written = 0
    for organization_id in organization_ids("daily rollups"):
        with tenant_context(organization_id):
            written += sum(rollup_day(day=today - timedelta(days=back)) for back in range(ROLLUP_DAYS))
    return written
