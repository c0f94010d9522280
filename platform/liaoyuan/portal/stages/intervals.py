"""How sure a share is that was measured on a few questions."""

from math import sqrt
from typing import Final

# Two-sided 95 %.
Z: Final = 1.96


def wilson(share: float, count: int) -> tuple[float, float] | None:
    """The 95 % score interval (Wilson 1927) of ``share`` measured on ``count`` questions; None without any."""
    if count <= 0 or not 0 <= share <= 1:
        return None
    middle = share + Z * Z / (2 * count)
    spread = Z * sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    whole = 1 + Z * Z / count
    return max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole)
