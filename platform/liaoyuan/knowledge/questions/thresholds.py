"""What a question set demands of a collection."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from liaoyuan.knowledge.questions.errors import ThresholdInvalid
from liaoyuan.knowledge.questions.measures import SHOWN

_MILLISECONDS: Final = frozenset({"p50_ms", "p95_ms"})
_LONGEST_MS: Final = 600_000.0


def thresholds_checked(thresholds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Thresholds in their stored form, one a metric. Raises ThresholdInvalid."""
    found: dict[str, dict[str, Any]] = {}
    for item in thresholds:
        metric = str(item.get("metric", ""))
        sides = [side for side in ("at_least", "at_most") if item.get(side) is not None]
        if metric not in SHOWN or len(sides) != 1:
            raise ThresholdInvalid(metric=metric)
        found[metric] = {
            "metric": metric,
            sides[0]: _value(metric, item[sides[0]]),
            "confident": bool(item.get("confident", False)),
        }
    return list(found.values())


def _value(metric: str, value: Any) -> float:
    most = _LONGEST_MS if metric in _MILLISECONDS else 1.0
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ThresholdInvalid(metric=metric) from error
    if not 0 <= number <= most:
        raise ThresholdInvalid(metric=metric)
    return number
