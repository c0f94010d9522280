"""What an engine of the embedding model does."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384

Vectors = NDArray[np.float32]


class Kind(StrEnum):
    """E5 was trained with two prefixes; a query and a passage of the same words have different vectors. A question is
    a query read by weights that learned how people ask (:mod:`~liaoyuan.deployment.serving.e5.taught`)."""

    QUERY = "query"
    PASSAGE = "passage"
    QUESTION = "question"

    @property
    def prefix(self) -> str:
        """What the model reads before the text."""
        return "passage: " if self is Kind.PASSAGE else "query: "


@dataclass(frozen=True)
class Reading:
    """A text made ready. ``tokens`` counts the two marks once; ``windows`` are token ids, for engines that use them."""

    text: str
    kind: Kind
    tokens: int
    windows: tuple[tuple[int, ...], ...] = ()


class Engine(Protocol):
    """Safe to use from several threads."""

    name: str
    turn_tokens: int
    """How many tokens are worth giving to one call of ``encode``."""

    def read(self, text: str, kind: Kind) -> Reading:
        """Count the tokens of ``text``, which holds no zero character."""
        ...

    def encode(self, readings: Sequence[Reading]) -> Vectors:
        """(n, 384) float32, rows of length 1, in the order of ``readings``, of which there is at least one."""
        ...
