"""Gates: named measurements with a threshold that a bundle must pass. A measurement that is missing does not pass."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from liaoyuan.industry.schemas.scenario import Gate


@dataclass(frozen=True)
class GateResult:
    """One gate: ``value`` is None where nothing was measured, which fails it unless ``applies`` is False.

    ``applies`` is False for a training gate of a bundle that serves the base model without an adapter.
    """

    name: str
    metric: str
    value: float | None
    threshold: float
    direction: str
    passed: bool
    applies: bool = True

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


TRAINING_METRICS = frozenset({"parity_first_token", "parity_greedy", "forgetting_ratio", "heldout_loss_ratio"})


def gates_check(gates: Sequence[Gate], metrics: Mapping[str, float | None], *, adapter: bool) -> list[GateResult]:
    """Hold every gate against its measurement."""
    return [_check(gate, metrics.get(gate.metric), adapter=adapter) for gate in gates]


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
