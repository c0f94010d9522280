"""Gates: named measurements with a threshold that a bundle must pass. A measurement that is missing does not pass."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from liaoyuan.industry.schemas.scenario import Gate
from liaoyuan.knowledge.questions.gate import SetMeasured


@dataclass(frozen=True)
class GateResult:
    """One gate: ``value`` is None where nothing was measured, which fails it unless ``applies`` is False.

    ``applies`` is False for a training gate of a bundle that serves the base model without an adapter. ``questions``
    names the collection's own set that was asked, of ``n`` questions; ``low`` and ``high`` are the 95 % interval.
    """

    name: str
    metric: str
    value: float | None
    threshold: float
    direction: str
    passed: bool
    applies: bool = True
    questions: str = ""
    n: int = 0
    low: float | None = None
    high: float | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


TRAINING_METRICS = frozenset({"parity_first_token", "parity_greedy", "forgetting_ratio", "heldout_loss_ratio"})


def gates_check(
    gates: Sequence[Gate],
    metrics: Mapping[str, float | None],
    *,
    adapter: bool,
    intervals: Mapping[str, Sequence[float]] | None = None,
    sets: Sequence[SetMeasured] = (),
) -> list[GateResult]:
    """Hold every gate against its measurement: the pack's, then what the collection's own question sets demand."""
    by_name = {each.name: each for each in sets}
    found = []
    for gate in gates:
        own = by_name.get(gate.questions) if gate.questions else None
        measured: Mapping[str, float | None] = (own.metrics if own else {}) if gate.questions else metrics
        within = (own.intervals if own else {}) if gate.questions else intervals or {}
        result = _check(gate, measured.get(gate.metric), adapter=adapter)
        low, high = within.get(gate.metric, (None, None))
        found.append(replace(result, questions=gate.questions, n=own.count if own else 0, low=low, high=high))
    return [*found, *_of_sets(sets)]


def _of_sets(sets: Iterable[SetMeasured]) -> list[GateResult]:
    return [
        GateResult(
            name=f"{each.name} · {threshold['metric']}",
            metric=threshold["metric"],
            value=each.metrics.get(threshold["metric"]),
            threshold=float(threshold["at_most"] if "at_most" in threshold else threshold["at_least"]),
            direction="at_most" if "at_most" in threshold else "at_least",
            passed=each.held(threshold),
            questions=each.name,
            n=each.count,
            low=each.intervals.get(threshold["metric"], [None, None])[0],
            high=each.intervals.get(threshold["metric"], [None, None])[1],
        )
        for each in sets
        for threshold in each.thresholds
    ]


def gates_passed(results: Sequence[GateResult]) -> bool:
    """Whether all that apply were passed."""
    return all(result.passed for result in results if result.applies)


def _check(gate: Gate, value: float | None, *, adapter: bool) -> GateResult:
    least = gate.at_least is not None
    threshold = gate.at_least if gate.at_least is not None else gate.at_most
    if threshold is None:
        raise ValueError(f"gate {gate.name} has no threshold")
    applies = adapter or gate.metric not in TRAINING_METRICS
    passed = value is not None and (value >= threshold if least else value <= threshold)
    return GateResult(
        name=gate.name,
        metric=gate.metric,
        value=value,
        threshold=threshold,
        direction="at_least" if least else "at_most",
        passed=passed if applies else True,
        applies=applies,
    )
