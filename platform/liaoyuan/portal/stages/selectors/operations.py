"""The operations page: how the application does in daily use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from liaoyuan.accounts.policy import Principal, allowed
from liaoyuan.deployment.models import Bundle, Route
from liaoyuan.operations.daily import (
    Day,
    bundle_totals,
    feedback_reasons,
    feedback_recent,
    solution_days,
    solution_total,
)
from liaoyuan.operations.models import Feedback
from liaoyuan.operations.selectors import solution_drift, span_seconds
from liaoyuan.portal.lineage.steps import SPANS
from liaoyuan.portal.lineage.traces import TraceRow, currency, trace_rows
from liaoyuan.portal.stages.charts import Option, days_option
from liaoyuan.portal.stages.selectors.frame import Frame
from liaoyuan.portal.stages.words import REASONS

PERIODS: Final = (1, 7, 30, 90)
USUAL: Final = 7
MOST_FEEDBACK: Final = 8


@dataclass(frozen=True)
class Period:
    days: int
    label: str
    current: bool


@dataclass(frozen=True)
class ByBundle:
    """One bundle's share of what happened."""

    bundle: Bundle | None
    total: Day


@dataclass(frozen=True)
class Verdict:
    """One person's verdict with the answer that it is about."""

    row: Feedback
    reason: Any
    trace: TraceRow


@dataclass(frozen=True)
class OperationsPage:
    """``total`` sums the period; charts are by day."""

    periods: Sequence[Period]
    days: Sequence[Day]
    total: Day
    drift: Mapping[str, Any]
    spans: Sequence[tuple[Any, float, float]]
    bundles: Sequence[ByBundle]
    route: str
    reasons: Sequence[tuple[Any, int]]
    verdicts: Sequence[Verdict]
    charts: Mapping[str, Option]
    may_trace: bool
    currency: str

    @property
    def judged(self) -> int:
        return self.total.helpful + self.total.unhelpful


def period_of(asked: str) -> int:
    """One of the periods that there are, in days."""
    return int(asked) if asked.isdigit() and int(asked) in PERIODS else USUAL


def operations_page(frame: Frame, principal: Principal, days: int) -> OperationsPage:
    """The last ``days`` days of the solution."""
    solution = frame.solution.id
    by_day = solution_days(solution, days=days)
    may_trace = allowed(principal, "trace.view")
    return OperationsPage(
        periods=[Period(number, _period(number), number == days) for number in PERIODS],
        days=by_day,
        total=solution_total(solution, days=days),
        drift=solution_drift(solution),
        spans=_spans(solution, days),
        bundles=_bundles(solution, days),
        route=Route.objects.filter(solution_id=solution).values_list("name", flat=True).first() or "",
        reasons=[(REASONS.get(reason, reason), count) for reason, count in feedback_reasons(solution, days=days)],
        verdicts=_verdicts(solution, days, principal) if may_trace else [],
        charts=day_charts(by_day),
        may_trace=may_trace,
        currency=currency(),
    )


def day_charts(days: Sequence[Day]) -> dict[str, Option]:
    """Answers by outcome, seconds, tokens and verdicts, day by day."""
    labels = [date_format(day.day, "m-d") for day in days]
    answers = {
        _("answered"): [day.answered for day in days],
        _("declined"): [day.abstained for day in days],
        _("blocked"): [day.blocked for day in days],
        _("error"): [day.errors for day in days],
    }
    seconds = {_("median"): [_round(day.p50) for day in days], _("slowest 5 %"): [_round(day.p95) for day in days]}
    tokens = {_("read"): [day.prompt_tokens for day in days], _("written"): [day.completion_tokens for day in days]}
    verdicts = {_("helpful"): [day.helpful for day in days], _("not helpful"): [day.unhelpful for day in days]}
    return {
        "answers": days_option(labels, answers, kind="bar", form="number", tones=("info", "warning", "soft", "error")),
        "seconds": days_option(labels, seconds, kind="line", form="seconds"),
        "tokens": days_option(labels, tokens, kind="bar", form="number"),
        "verdicts": days_option(labels, verdicts, kind="bar", form="number", tones=("success", "error")),
    }


EXPORT_HEAD: Final = (
    "day", "answers", "answered", "declined", "blocked", "errors", "p50_seconds", "p95_seconds", "prompt_tokens",
    "completion_tokens", "cost", "helpful", "unhelpful",
)  # fmt: skip


def export_rows(solution_id: UUID, days: int) -> list[tuple[Any, ...]]:
    """The days as the file has them, under EXPORT_HEAD."""
    return [
        (
            day.day.isoformat(), day.answers, day.answered, day.abstained, day.blocked, day.errors, day.p50, day.p95,
            day.prompt_tokens, day.completion_tokens, day.cost, day.helpful, day.unhelpful,
        )
        for day in solution_days(solution_id, days=days)
    ]  # fmt: skip


def _period(days: int) -> str:
    return _("Today") if days == 1 else _("%(days)s days") % {"days": days}


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _spans(solution_id: UUID, days: int) -> list[tuple[Any, float, float]]:
    """(step, mean seconds, share of the longest), longest first."""
    found = sorted(span_seconds(solution_id, days=days).items(), key=lambda pair: -pair[1])
    longest = found[0][1] if found else 0.0
    return [(SPANS.get(name, name), seconds, seconds / longest if longest else 0.0) for name, seconds in found]


def _bundles(solution_id: UUID, days: int) -> list[ByBundle]:
    totals = bundle_totals(solution_id, days=days)
    rows = Bundle.objects.in_bulk([key for key in totals if key])
    found = [ByBundle(rows.get(key) if key else None, total) for key, total in totals.items()]
    return sorted(found, key=lambda each: -(each.bundle.number if each.bundle else 0))


def _verdicts(solution_id: UUID, days: int, principal: Principal) -> list[Verdict]:
    rows = list(feedback_recent(solution_id, days=days)[:MOST_FEEDBACK])
    traces = {row.id: row for row in trace_rows([row.trace for row in rows], principal)}
    return [Verdict(row, REASONS.get(row.reason, ""), traces[row.trace_id]) for row in rows]
