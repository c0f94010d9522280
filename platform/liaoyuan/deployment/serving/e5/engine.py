"""What an engine of the embedding model does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Reading:
    """A text made ready. ``tokens`` counts the two marks once; ``windows`` are token ids, for engines that use them."""

    text: str
    query: bool
    tokens: int
    windows: tuple[tuple[int, ...], ...] = ()


class Engine(Protocol):
    """Safe to use from several threads."""

    name: str
    turn_tokens: int
    """How many tokens are worth giving to one call of ``encode``."""

    def read(self, text: str, *, query: bool) -> Reading:
        """Count the tokens of ``text``, which holds no zero character."""
        ...

    def encode(self, readings: Sequence[Reading]) -> Vectors:
        """(n, 384) float32, rows of length 1, in the order of ``readings``, of which there is at least one."""
        ...
