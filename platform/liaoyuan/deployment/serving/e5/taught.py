"""How people ask: low-rank additions to the encoder's weights, by which questions alone are read.

E5 puts a layman's question and the rule that answers it less near each other than a question in the rule's own words.
``python -m benchmarks.asking`` learns the additions (LoRA, https://arxiv.org/abs/2106.09685) on questions with known
places, the passages' vectors fixed: an index needs nothing anew, and a question no more time. They lie in
``question.npz`` beside this file: for each tensor ``name`` of the layers ``name/a`` (rank, inputs) and ``name/b``
(outputs, rank), float16; the addition is b @ a.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liaoyuan.deployment.serving.e5.weights import Floats, Shape, Weights

FILE = Path(__file__).with_name("question.npz")


class TaughtWeights:
    """The weights of ``base`` with what was learned added."""

    def __init__(self, base: Weights, path: Path = FILE) -> None:
        self._base = base
        with np.load(path, allow_pickle=False) as stored:
            self._added = {name: stored[name].astype(np.float32) for name in stored.files}

    @property
    def shape(self) -> Shape:
        return self._base.shape

    def floats(self, name: str, *shape: int) -> Floats:
        """As the base's; ValueError when an addition does not fit the tensor."""
        found = self._base.floats(name, *shape)
        if f"{name}/a" in self._added:
            found += self._added[f"{name}/b"] @ self._added[f"{name}/a"]
        return found

    def table(self, name: str, width: int) -> NDArray[np.uint8]:
        """As the base's: words are looked up as they are."""
        return self._base.table(name, width)
