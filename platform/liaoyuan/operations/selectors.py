"""Questions about what happened: a solution's health, its drift, one trace."""

from datetime import timedelta
from math import sqrt
from typing import Any
from uuid import UUID

from django.db.models import Avg, Count, F, Q, QuerySet, Sum
from django.utils import timezone

from liaoyuan.errors import NotFound
from liaoyuan.operations.models import Feedback, Trace
from liaoyuan.operations.percentile import Percentile

# Two-sided 99 %: a day's noise must not look like drift.
Z_LIMIT = 2.576
FEWEST_FOR_DRIFT = 30


def trace_get(trace_id: UUID) -> Trace:
    """One trace with its spans. Raises NotFound for a missing or foreign one."""
    found = Trace.objects.prefetch_related("spans", "feedback").filter(id=trace_id).first()
    if found is None:
        raise NotFound
    return found


def solution_health(solution_id: UUID, *, days: int = 1) -> dict[str, Any]:
    """Answers, rates, tokens, cost, latency and feedback of the last ``days`` days."""
    traces = _traces(solution_id, days, 0)
    sums = traces.aggregate(
        answers=Count("id"),
        n_abstained=Count("id", filter=Q(abstained=True)),
        n_blocked=Count("id", filter=Q(blocked=True)),
        errors=Count("id", filter=~Q(error="")),
        n_prompt_tokens=Sum("prompt_tokens", default=0),
        n_completion_tokens=Sum("completion_tokens", default=0),
        n_cost=Sum("cost", default=0.0),
        p50_seconds=Percentile(F("seconds"), fraction=0.5),
        p95_seconds=Percentile(F("seconds"), fraction=0.95),
    )
    # Django lets an aggregate hide the field of the same name, so the aliases carry a prefix that is dropped here.
    sums = {name.removeprefix("n_"): value for name, value in sums.items()}
    since = timezone.now() - timedelta(days=days)
    verdicts = Feedback.objects.filter(trace__solution_id=solution_id, created_at__gte=since)
    judged = verdicts.aggregate(up=Count("id", filter=Q(helpful=True)), down=Count("id", filter=Q(helpful=False)))
    helpful = {"helpful": judged["up"], "unhelpful": judged["down"]}
    reasons = dict(verdicts.exclude(reason="").values_list("reason").annotate(n=Count("id")).order_by())
    return sums | helpful | {"reasons": reasons, "drift": solution_drift(solution_id)}


def solution_drift(solution_id: UUID, *, days: int = 1, before_days: int = 7) -> dict[str, Any]:
    """Whether the share of abstained answers moved: the last ``days`` against the ``before_days`` before them.

    A two-proportion z-test; ``moved`` is None while either window holds fewer than 30 answers.
    """
    now, before = _share(_traces(solution_id, days, 0)), _share(_traces(solution_id, before_days, days))
    if min(now["n"], before["n"]) < FEWEST_FOR_DRIFT:
        return {"measure": "abstained", "now": now, "before": before, "z": None, "moved": None}
    pooled = (now["share"] * now["n"] + before["share"] * before["n"]) / (now["n"] + before["n"])
    error = sqrt(pooled * (1 - pooled) * (1 / now["n"] + 1 / before["n"]))
    z = 0.0 if error == 0 else (now["share"] - before["share"]) / error
    return {"measure": "abstained", "now": now, "before": before, "z": z, "moved": abs(z) > Z_LIMIT}


def span_seconds(solution_id: UUID, *, days: int = 1) -> dict[str, float]:
    """Mean seconds by span name: where the time of an answer goes."""
    rows = _traces(solution_id, days, 0).values("spans__name").annotate(mean=Avg("spans__seconds")).order_by()
    return {row["spans__name"]: row["mean"] for row in rows if row["spans__name"]}


def _traces(solution_id: UUID, days: int, skip: int) -> QuerySet[Trace]:
    end = timezone.now() - timedelta(days=skip)
    return Trace.objects.filter(
        solution_id=solution_id, created_at__gte=end - timedelta(days=days), created_at__lte=end
    )


def _share(traces: QuerySet[Trace]) -> dict[str, Any]:
    counted = traces.aggregate(n=Count("id"), k=Count("id", filter=Q(abstained=True)))
    return {"n": counted["n"], "share": counted["k"] / counted["n"] if counted["n"] else 0.0}
