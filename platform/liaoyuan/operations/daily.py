"""What happened day by day, by bundle and by reason: the questions of the operations page and its export."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, FloatField, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate
from django.utils import timezone

from liaoyuan.operations.models import Feedback, Trace
from liaoyuan.operations.percentile import Percentile

STOPPING = ("block", "escalate", "mask", "flag")
# So many of the newest answers are looked through for what the guardrail masked.
MOST_LOOKED_AT = 2000


@dataclass(frozen=True)
class Day:
    """The sums of one day in the current time zone; times in seconds, None where nothing was answered."""

    day: date
    answers: int = 0
    abstained: int = 0
    blocked: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    p50: float | None = None
    p95: float | None = None
    helpful: int = 0
    unhelpful: int = 0

    @property
    def answered(self) -> int:
        """Answers that said something, by evidence."""
        return self.answers - self.abstained - self.blocked - self.errors


def solution_days(solution_id: UUID, *, days: int) -> list[Day]:
    """The last ``days`` days of a solution, oldest first, one entry a day also where nothing happened."""
    today = timezone.localdate()
    first = today - timedelta(days=days - 1)
    by_day: Any = _traces(solution_id, first).annotate(day=TruncDate("created_at")).values("day")
    sums = {row.pop("day"): row for row in by_day.annotate(**_sums()).order_by()}
    judged = _judged(solution_id, first)
    wanted = [first + timedelta(days=number) for number in range(days)]
    return [_day(day, sums.get(day, {}), judged.get(day, {})) for day in wanted]


def solution_total(solution_id: UUID, *, days: int) -> Day:
    """All of these days together; ``day`` is the first of them."""
    first = timezone.localdate() - timedelta(days=days - 1)
    judged = Feedback.objects.filter(trace__solution_id=solution_id, trace__created_at__gte=_midnight(first))
    verdicts = judged.aggregate(up=Count("id", filter=Q(helpful=True)), down=Count("id", filter=Q(helpful=False)))
    return _day(first, _traces(solution_id, first).aggregate(**_sums()), verdicts)


def bundle_totals(solution_id: UUID, *, days: int) -> dict[UUID | None, Day]:
    """The same by bundle; None for answers without one."""
    first = timezone.localdate() - timedelta(days=days - 1)
    rows = _traces(solution_id, first).values("bundle_id").annotate(**_sums()).order_by()
    judged = {row["trace__bundle_id"]: row for row in _feedback(solution_id, first, "trace__bundle_id")}
    return {row["bundle_id"]: _day(first, dict(row), judged.get(row["bundle_id"], {})) for row in rows}


def feedback_reasons(solution_id: UUID, *, days: int) -> list[tuple[str, int]]:
    """Why answers of these days were bad, the commonest reason first."""
    since = _midnight(timezone.localdate() - timedelta(days=days - 1))
    bad = Feedback.objects.filter(trace__solution_id=solution_id, trace__created_at__gte=since, helpful=False)
    return list(bad.values_list("reason").annotate(n=Count("id")).order_by("-n", "reason"))


def feedback_recent(solution_id: UUID, *, days: int) -> QuerySet[Feedback]:
    """Verdicts on answers of these days, newest first, the bad ones before the good."""
    since = _midnight(timezone.localdate() - timedelta(days=days - 1))
    found = Feedback.objects.select_related("trace").filter(
        trace__solution_id=solution_id, trace__created_at__gte=since
    )
    return found.order_by("helpful", "-created_at")


def traces_stopped(solution_id: UUID) -> QuerySet[Trace]:
    """Answers in which the guardrail did something, newest first."""
    touched = Q(blocked=True)
    for action in STOPPING:
        touched |= Q(guard__contains=[{"action": action}])
    return Trace.objects.filter(touched, solution_id=solution_id).order_by("-created_at")


def pii_seen(solution_id: UUID) -> list[tuple[str, int]]:
    """Personal data that the guardrail masked in questions and answers, by kind, among the newest answers."""
    masked = Trace.objects.filter(solution_id=solution_id, guard__contains=[{"action": "mask"}])
    counts: Counter[str] = Counter()
    for guard in masked.order_by("-created_at").values_list("guard", flat=True)[:MOST_LOOKED_AT]:
        rules = [rule for verdict in guard for rule in verdict.get("rules", [])]
        counts.update(rule.partition(":")[2] for rule in rules if rule.startswith("pii:"))
    return counts.most_common()


def _traces(solution_id: UUID, first: date) -> QuerySet[Trace]:
    return Trace.objects.filter(solution_id=solution_id, created_at__gte=_midnight(first))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.get_current_timezone())


def _sums() -> dict[str, Any]:
    """Names that are not fields: Django lets an aggregate hide the field of the same name."""
    return {
        "n": Count("id"),
        "n_abstained": Count("id", filter=Q(abstained=True, error="", blocked=False)),
        "n_blocked": Count("id", filter=Q(blocked=True, error="")),
        "n_errors": Count("id", filter=~Q(error="")),
        "n_prompt": Coalesce(Sum("prompt_tokens"), 0),
        "n_completion": Coalesce(Sum("completion_tokens"), 0),
        "n_cost": Coalesce(Sum("cost"), 0.0, output_field=FloatField()),
        "p50": Percentile(F("seconds"), fraction=0.5),
        "p95": Percentile(F("seconds"), fraction=0.95),
    }


def _judged(solution_id: UUID, first: date) -> dict[date, dict[str, int]]:
    return {row["judged_day"]: row for row in _feedback(solution_id, first, "judged_day")}


def _feedback(solution_id: UUID, first: date, by: str) -> Any:
    found = Feedback.objects.filter(trace__solution_id=solution_id, trace__created_at__gte=_midnight(first))
    days = found.annotate(judged_day=TruncDate("trace__created_at")).values(by)
    return days.annotate(up=Count("id", filter=Q(helpful=True)), down=Count("id", filter=Q(helpful=False))).order_by()


def _day(day: date, sums: dict[str, Any], verdicts: dict[str, Any]) -> Day:
    return Day(
        day=day,
        answers=sums.get("n", 0),
        abstained=sums.get("n_abstained", 0),
        blocked=sums.get("n_blocked", 0),
        errors=sums.get("n_errors", 0),
        prompt_tokens=sums.get("n_prompt", 0),
        completion_tokens=sums.get("n_completion", 0),
        cost=sums.get("n_cost", 0.0),
        p50=sums.get("p50"),
        p95=sums.get("p95"),
        helpful=verdicts.get("up", 0),
        unhelpful=verdicts.get("down", 0),
    )
