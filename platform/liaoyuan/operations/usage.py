"""What the organization used lately, over all of its solutions. Needs the tenant context."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from liaoyuan.operations.models import Feedback, Trace
from liaoyuan.operations.percentile import Percentile


@dataclass(frozen=True)
class Day:
    """The answers of one day in the reader's time zone."""

    day: date
    answers: int


@dataclass(frozen=True)
class Usage:
    """Sums over ``days`` days, today included; cost in the price book's currency, None seconds without an answer."""

    days: Sequence[Day]
    answers: int
    abstained: int
    tokens: int
    cost: float
    p95_seconds: float | None
    helpful: int
    unhelpful: int


def organization_usage(*, days: int = 7) -> Usage:
    """The last ``days`` calendar days, today included."""
    today = timezone.localdate()
    first = today - timedelta(days=days - 1)
    zone = timezone.get_current_timezone()
    traces = Trace.objects.annotate(day=TruncDate("created_at", tzinfo=zone)).filter(
        created_at__gte=timezone.now() - timedelta(days=days + 1), day__gte=first
    )
    sums = traces.aggregate(
        n=Count("id"),
        n_abstained=Count("id", filter=Q(abstained=True)),
        n_tokens=Sum(F("prompt_tokens") + F("completion_tokens"), default=0),
        n_cost=Sum("cost", default=0.0),
        p95=Percentile(F("seconds"), fraction=0.95),
    )
    counted = dict(traces.values_list("day").annotate(n=Count("id")).order_by())
    judged = Feedback.objects.filter(trace__in=traces.values("id")).aggregate(
        up=Count("id", filter=Q(helpful=True)), down=Count("id", filter=Q(helpful=False))
    )
    return Usage(
        days=[Day(day, counted.get(day, 0)) for day in (first + timedelta(days=n) for n in range(days))],
        answers=sums["n"],
        abstained=sums["n_abstained"],
        tokens=sums["n_tokens"],
        cost=sums["n_cost"],
        p95_seconds=sums["p95"],
        helpful=judged["up"],
        unhelpful=judged["down"],
    )
