"""Whole columns as parameters: many rows travel in one statement, as they are stored, without a table between.

PostgreSQL's binary form of an array (``array_recv``): how many dimensions, whether there are NULLs, the element type;
length and lower bound; then each element behind its length. psycopg's own lists are written element by element, which
took longer than cutting a chunk's words.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD, _LENGTH, _VECTOR = struct.Struct(">iiIii"), struct.Struct(">i"), struct.Struct(">HH")
_NULL = _LENGTH.pack(-1)
# Element types that every PostgreSQL numbers alike.
_BOOL, _INT4, _TEXT, _UUID, _TSVECTOR = 16, 23, 25, 2950, 3614


class Stored:
    """One parameter as the server stores it. The statement says of what type it is."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Column(Stored):
    """The values of many rows (``%s::uuid[]``)."""

    __slots__ = ()

    def __init__(self, kind: int, values: Iterable[bytes | None]) -> None:
        parts = [_NULL if value is None else _LENGTH.pack(len(value)) + value for value in values]
        super().__init__(_HEAD.pack(1, 1, kind, len(parts), 1) + b"".join(parts))


class StoredDumper(Dumper):
    """Hands a :class:`Stored` parameter to psycopg as it is."""

    format = Format.BINARY

    def dump(self, obj: Stored) -> bytes:
        return obj.data


def texts(values: Iterable[str | None]) -> Column:
    return Column(_TEXT, [None if value is None else value.encode() for value in values])


def uuids(values: Iterable[UUID | None]) -> Column:
    return Column(_UUID, [None if value is None else value.bytes for value in values])


def integers(values: Iterable[int | None]) -> Column:
    return Column(_INT4, [None if value is None else _LENGTH.pack(value) for value in values])


def flags(values: Iterable[bool]) -> Column:
    return Column(_BOOL, [b"\x01" if value else b"\x00" for value in values])


def words(values: Iterable[Iterable[str]]) -> Column:
    """Word lists as ``tsvector``, which the server takes unsorted too; sorted as it wants them, it need not."""
    return Column(_TSVECTOR, [_lexemes(sorted(set(each))) for each in values])


def half_vectors(kind: int, values: Sequence[NDArray[np.floating[Any]]]) -> Column:
    """Vectors of one length as pgvector's ``halfvec``, whose number every database has for itself (``kind``)."""
    return Column(kind, map(half_vector, values))


def half_vector(value: NDArray[np.floating[Any]]) -> bytes:
    """One vector as pgvector's ``halfvec`` in binary."""
    return _VECTOR.pack(len(value), 0) + value.astype(">f2").tobytes()


def _lexemes(terms: list[str]) -> bytes:
    # Behind each word its end, and that it has no positions.
    return _LENGTH.pack(len(terms)) + "".join([term + "\0\0\0" for term in terms]).encode()
