"""The numbers of an evaluation, from its rows alone: whole, with intervals, in groups, and between two runs."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, Final

from liaoyuan.knowledge.questions.intervals import (
    Interval,
    bootstrap,
    bootstrap_percentile,
    paired_means,
    paired_proportions,
    wilson,
)

Row = Mapping[str, Any]
DEPTH: Final = 10
Metrics = dict[str, float | int | None]
# A smaller value of these is the better one.
SMALLER_IS_BETTER: Final = frozenset({"refused_answerable", "p50_ms", "p95_ms"})
# What two runs are compared by: a value for each question, None where the metric does not concern it.
SHOWN: Final = (
    "recall@1", "recall@5", "recall@10", "mrr", "ndcg@10", "citation_valid", "citation_correct", "must_contain",
    "abstention_precision", "abstained_unanswerable", "refused_answerable", "p50_ms", "p95_ms",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """``metrics`` by name (None where no question concerns it), with the 95 % interval of each that has one."""

    metrics: Metrics
    intervals: dict[str, list[float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """The numbers of a part of the questions: one document, type or language."""

    name: str
    count: int
    measured: Measured


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric in two runs over the questions both were asked. ``better`` is None where the interval holds 0."""

    metric: str
    before: float
    after: float
    low: float
    high: float
    n: int
    better: bool | None

    @property
    def difference(self) -> float:
        return self.after - self.before


def _answerable(row: Row) -> bool:
    return bool(row["answerable"])


def _located(row: Row) -> bool:
    return _answerable(row) and bool(row["ranks"])


def _recall(k: int) -> Callable[[Row], float | None]:
    def value(row: Row) -> float | None:
        return fmean(rank is not None and rank <= k for rank in row["ranks"]) if _located(row) else None

    return value


def _reciprocal(row: Row) -> float | None:
    return max((1 / rank for rank in row["ranks"] if rank), default=0.0) if _located(row) else None


def _gain(row: Row) -> float | None:
    """Normalised discounted cumulative gain at 10, each evidence item counted once. Two may share one chunk."""
    if not _located(row):
        return None
    ranks = row["ranks"]
    gained = sum(1 / math.log2(rank + 1) for rank in {rank for rank in ranks if rank})
    ideal = sum(1 / math.log2(place + 1) for place in range(1, min(len(ranks), DEPTH) + 1))
    return min(1.0, gained / ideal)


def _correct(row: Row) -> float | None:
    if not _located(row) or row["abstained"]:
        return None
    return float(any(citation["correct"] for citation in row["citations"]))


def _contains(row: Row) -> float | None:
    return float(row["must_contain"]) if _answerable(row) and row["must_contain"] is not None else None


def _abstained_rightly(row: Row) -> float | None:
    return None if _answerable(row) else float(row["abstained"])


def _refused(row: Row) -> float | None:
    return float(row["abstained"]) if _answerable(row) else None


def _precise(row: Row) -> float | None:
    return float(not row["answerable"]) if row["abstained"] else None


# Every metric that is a mean over questions.
VALUES: Final[dict[str, Callable[[Row], float | None]]] = {
    **{f"recall@{k}": _recall(k) for k in (1, 5, 10)},
    "mrr": _reciprocal,
    "ndcg@10": _gain,
    "citation_correct": _correct,
    "must_contain": _contains,
    "abstained_unanswerable": _abstained_rightly,
    "refused_answerable": _refused,
    "abstention_precision": _precise,
}
_RESAMPLED: Final = frozenset({"mrr", "ndcg@10"})


def measure(rows: Sequence[Row]) -> Measured:
    """All metrics of ``rows``: proportions with Wilson's interval, MRR, nDCG and latency with a seeded bootstrap."""
    metrics: Metrics = {"n": len(rows)}
    intervals: dict[str, list[float]] = {}
    for name, value_of in VALUES.items():
        values = [value for row in rows if (value := value_of(row)) is not None]
        metrics[name] = _mean(values)
        if values:
            intervals[name] = _rounded(bootstrap(values) if name in _RESAMPLED else wilson(fmean(values), len(values)))
    _citations(rows, metrics, intervals)
    _latency(rows, metrics, intervals)
    # The share of the unanswerable that were left unanswered is the recall of abstaining.
    metrics["abstention_recall"] = metrics["abstained_unanswerable"]
    if "abstained_unanswerable" in intervals:
        intervals["abstention_recall"] = intervals["abstained_unanswerable"]
    return Measured(metrics, intervals)


def _citations(rows: Sequence[Row], metrics: Metrics, intervals: dict[str, list[float]]) -> None:
    answered = [row for row in rows if _located(row) and not row["abstained"]]
    valid = [float(citation["valid"]) for row in rows for citation in row["citations"]]
    correct = [float(citation["correct"]) for row in answered for citation in row["citations"]]
    for name, values in (("citation_valid", valid), ("citation_precision", correct)):
        metrics[name] = _mean(values)
        if values:
            intervals[name] = _rounded(wilson(fmean(values), len(values)))
    metrics["answer_characters"] = _mean([len(row["answer"]) for row in answered])


def _latency(rows: Sequence[Row], metrics: Metrics, intervals: dict[str, list[float]]) -> None:
    times = sorted(float(row["ms"]) for row in rows)
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95)):
        metrics[name] = _percentile(times, share)
        if times:
            intervals[name] = _rounded(bootstrap_percentile(times, share))


def grouped(rows: Sequence[Row], key: str) -> list[Group]:
    """The same numbers for each value of ``key`` (``document``, ``type``, ``language``), the largest group first."""
    parts: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        parts[str(row.get(key) or "")].append(row)
    groups = [Group(name, len(part), measure(part)) for name, part in parts.items()]
    return sorted(groups, key=lambda group: (-group.count, group.name))


def compare(before: Sequence[Row], after: Sequence[Row]) -> list[Difference]:
    """Every metric over the questions that both runs asked, with the paired interval of its difference."""
    earlier = {row["question"]: row for row in before}
    pairs = [(earlier[row["question"]], row) for row in after if row["question"] in earlier]
    found = [_difference(name, pairs) for name in VALUES if name != "abstention_precision"]
    return [difference for difference in found if difference is not None]


def _difference(name: str, pairs: Sequence[tuple[Row, Row]]) -> Difference | None:
    value_of = VALUES[name]
    valued = [(value_of(first), value_of(second)) for first, second in pairs]
    kept = [(first, second) for first, second in valued if first is not None and second is not None]
    if not kept:
        return None
    before, after = [first for first, _ in kept], [second for _, second in kept]
    low, high = _paired(before, after)
    better = None if low <= 0 <= high else (low > 0) != (name in SMALLER_IS_BETTER)
    return Difference(name, fmean(before), fmean(after), low, high, len(kept), better)


def _paired(before: Sequence[float], after: Sequence[float]) -> Interval:
    if any(value not in (0.0, 1.0) for value in (*before, *after)):
        return paired_means(before, after)
    pairs = [(bool(first), bool(second)) for first, second in zip(before, after, strict=True)]
    return paired_proportions(
        pairs.count((True, True)), pairs.count((True, False)), pairs.count((False, True)), pairs.count((False, False))
    )


def failed(row: Row) -> bool:
    """Whether a person should look at this row: not found, not cited, not said, refused, or answered without basis."""
    if not row["answerable"]:
        return not row["abstained"]
    missed = bool(row["ranks"]) and not any(rank and rank <= DEPTH for rank in row["ranks"])
    return bool(row["abstained"]) or missed or row["must_contain"] is False or _correct(row) == 0.0


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return round(fmean(listed), 4) if listed else None


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)], 2)


def _rounded(interval: Interval) -> list[float]:
    return [round(interval[0], 4), round(interval[1], 4)]
