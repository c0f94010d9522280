"""Hashed character n-grams and word pairs: the features of the small linear classifiers.

Everything is vectorised over code points, so that a kilobyte costs well under a millisecond.
"""

import itertools
import re
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 15
NGRAMS = (1, 2, 3, 4, 5)
MULTIPLIER = np.uint64(1_000_003)
MIX = np.uint64(0x9E3779B97F4A7C15)
BLANKS = re.compile(r"\s+")
WORD = re.compile(r"[a-z']+")


@lru_cache(maxsize=512)
def features(text: str) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Bucket numbers (unique, ascending) and weights (1 + log count, unit length) of the plain form `text`."""
    squeezed = " " + BLANKS.sub(" ", text.lower()).strip() + " "
    hashes = np.concatenate([_ngrams(squeezed), _words(squeezed)])
    buckets, counts = np.unique((hashes % np.uint64(BUCKETS)).astype(np.int64), return_counts=True)
    weights = (1.0 + np.log(counts)).astype(np.float32)
    return buckets, weights / np.float32(np.linalg.norm(weights))


def _ngrams(text: str) -> NDArray[np.uint64]:
    points = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)
    rolling = np.zeros(len(points), dtype=np.uint64)
    parts = []
    for length in range(1, max(NGRAMS) + 1):
        size = len(points) - length + 1
        if size <= 0:
            break
        rolling = rolling[:size] * MULTIPLIER + points[length - 1 : length - 1 + size] + np.uint64(length)
        mixed = rolling * MIX
        parts.append(mixed ^ (mixed >> np.uint64(29)))
    return np.concatenate(parts)


def _words(text: str) -> NDArray[np.uint64]:
    """Single words and neighbours, which carry English better than five letters do."""
    words = WORD.findall(text)
    keys = [f"w {word}" for word in words] + [f"p {a} {b}" for a, b in itertools.pairwise(words)]
    return np.array([zlib.crc32(key.encode()) * 2654435761 for key in keys], dtype=np.uint64)
