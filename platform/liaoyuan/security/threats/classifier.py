"""Linear classifiers over hashed n-grams; the coefficients are JSON files beside this module.

`training.py` makes them; NOTICE names the data. Nothing executable is loaded.
"""

import base64
import itertools
import json
import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liaoyuan.security.errors import WeightsInvalid
from liaoyuan.security.threats.features import BUCKETS, features

WEIGHTS = Path(__file__).parent / "weights"
# A long text is read in windows, so that one bad sentence is not drowned by a harmless page.
WINDOW = 320
STRIDE = 200
# A Chinese character says as much as two or three letters.
WINDOW_HAN = 128
STRIDE_HAN = 64
HAN = re.compile(r"[\u3400-\u9fff]")
MIN_LETTERS = 4  # `{{7*7}}` says nothing that could be judged
MIN_SENTENCE = 8  # shorter ones carry nothing to judge
SENTENCE_END = re.compile(r"(?<=[。！？!?；;\n])|(?<=[.]\s)")


@dataclass(frozen=True)
class Classifier:
    """Logistic regression: `coefficients` of shape (BUCKETS,); thresholds on the probability for the two scripts."""

    name: str
    version: str
    bias: float
    threshold: float
    threshold_latin: float
    coefficients: NDArray[np.float32]

    def probability(self, text: str) -> float:
        """Probability in (0, 1) for one short plain text, as a whole."""
        if sum(map(str.isalpha, text)) < MIN_LETTERS:
            return 0.0
        buckets, weights = features(text)
        logit = self.bias + float(self.coefficients[buckets] @ weights)
        return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, logit))))

    def limit(self, text: str) -> float:
        """The threshold for a text: the two scripts are calibrated apart."""
        return self.threshold if HAN.search(text) else self.threshold_latin

    def score(self, text: str) -> tuple[float, int, int]:
        """The worst window's or, in a text of several windows, sentence's probability and its offsets in `text`."""
        windows = _windows(text)
        scored = [(self.probability(text[start:end]), start, end) for start, end in windows]
        if len(windows) > 1:
            scored += self.by_sentence(text)
        return max(scored, default=(0.0, 0, 0))

    def by_sentence(self, text: str) -> list[tuple[float, int, int]]:
        """Probability and offsets of every sentence."""
        cuts = [0, *(match.start() for match in SENTENCE_END.finditer(text)), len(text)]
        spans = [(a, b) for a, b in itertools.pairwise(cuts) if len(text[a:b].strip()) >= MIN_SENTENCE]
        return [(self.probability(text[start:end]), start, end) for start, end in spans]


def _windows(text: str) -> list[tuple[int, int]]:
    size, stride = (WINDOW_HAN, STRIDE_HAN) if HAN.search(text) else (WINDOW, STRIDE)
    if len(text) <= size:
        return [(0, len(text))] if text else []
    starts = range(0, len(text) - size + stride, stride)
    return [(start, min(len(text), start + size)) for start in starts]


@cache
def classifier(name: str) -> Classifier:
    """The shipped classifier `name`. Raises WeightsInvalid."""
    return classifier_read(WEIGHTS / f"{name}.json")


def classifier_read(path: Path) -> Classifier:
    """A classifier from its file. Raises WeightsInvalid if it is missing or not what it should be."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        packed = np.frombuffer(base64.b64decode(stored["coefficients_int8_base64"]), dtype=np.int8)
        bias, scale = float(stored["bias"]), float(stored["scale"])
        limits = float(stored["threshold"]), float(stored["threshold_latin"])
        version = str(stored["version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsInvalid(name=path.stem) from error
    if packed.shape != (BUCKETS,) or stored.get("buckets") != BUCKETS:
        raise WeightsInvalid(name=path.stem)
    return Classifier(path.stem, version, bias, *limits, packed.astype(np.float32) * np.float32(scale))
