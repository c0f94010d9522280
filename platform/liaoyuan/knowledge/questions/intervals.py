"""How sure a measured number is: 95 % intervals. Seeded, so that the same rows always give the same interval."""

import math
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

# Two-sided 95 %.
Z: Final = 1.959963984540054
RESAMPLES: Final = 2000
SEED: Final = 20_261_122
Interval = tuple[float, float]
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def wilson(share: float, n: int) -> Interval:
    """Wilson's score interval of a proportion; it never leaves 0..1 and is honest at 0 and 1."""
    if n <= 0:
        return 0.0, 1.0
    centre = share + Z * Z / (2 * n)
    spread = Z * math.sqrt(max(0.0, share * (1 - share)) / n + Z * Z / (4 * n * n))
    whole = 1 + Z * Z / n
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)


def _means(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    means: NDArray[np.float64] = samples.mean(axis=1)
    return means


def bootstrap(values: Sequence[float], statistic: Statistic = _means, *, seed: int = SEED) -> Interval:
    """Percentile bootstrap over the questions. ``statistic`` maps (resamples, n) to (resamples,)."""
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        return 0.0, 0.0
    picks = np.random.default_rng(seed).integers(0, array.size, size=(RESAMPLES, array.size))
    low, high = np.percentile(statistic(array[picks]), [2.5, 97.5])
    return float(low), float(high)


def bootstrap_percentile(values: Sequence[float], share: float) -> Interval:
    """The interval of a percentile (``share`` 0..1), such as the median latency."""
    return bootstrap(values, lambda samples: np.percentile(samples, share * 100, axis=1, method="inverted_cdf"))


def paired_proportions(both: int, first: int, second: int, neither: int) -> Interval:
    """Newcombe's interval (method 10) of second − first, from the pairs: right in both, in one only, in neither.

    Honest where nothing differs: few questions without a difference do not prove that there is none.
    """
    n = both + first + second + neither
    if n == 0:
        return -1.0, 1.0
    one, two = (both + first) / n, (both + second) / n
    low_one, high_one = wilson(one, n)
    low_two, high_two = wilson(two, n)
    phi = _phi(both, first, second, neither)
    difference = two - one
    down = (two - low_two) ** 2 - 2 * phi * (two - low_two) * (high_one - one) + (high_one - one) ** 2
    up = (high_two - two) ** 2 - 2 * phi * (high_two - two) * (one - low_one) + (one - low_one) ** 2
    return max(-1.0, difference - math.sqrt(max(0.0, down))), min(1.0, difference + math.sqrt(max(0.0, up)))


def _phi(both: int, first: int, second: int, neither: int) -> float:
    """The pairs' correlation, corrected for continuity as Newcombe has it."""
    margins = (both + first) * (second + neither) * (both + second) * (first + neither)
    if margins == 0:
        return 0.0
    cross = both * neither - first * second
    n = both + first + second + neither
    return (max(cross - n / 2, 0) if cross > 0 else cross) / math.sqrt(margins)


def paired_means(before: Sequence[float], after: Sequence[float]) -> Interval:
    """Percentile bootstrap of the mean difference after − before, question by question."""
    return bootstrap([second - first for first, second in zip(before, after, strict=True)])
