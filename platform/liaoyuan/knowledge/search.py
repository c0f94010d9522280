"""Finds candidates by vector and by words, inside the asker's rights, at one date, in one generation of the index.

One round trip, one prepared statement (:mod:`liaoyuan.knowledge.statements`). Up to ``EXACT_ROWS`` visible chunks the
vectors are scanned exactly; above, the generation's own HNSW graph is walked (``iterative_scan``) until enough pass.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
import psycopg
from django.db import connections
from pgvector import HalfVector
from pgvector.psycopg.halfvec import register_halfvec_info
from psycopg.types import TypeInfo

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge import statements
from liaoyuan.knowledge.adapters.embeddings import Vectors
from liaoyuan.knowledge.columns import Stored, StoredDumper, half_vector
from liaoyuan.knowledge.errors import EmbeddingMismatch
from liaoyuan.knowledge.question import Question
from liaoyuan.knowledge.rank import Candidate, Statistics
from liaoyuan.knowledge.statements import graph_name, text_array
from liaoyuan.knowledge.text.segment import index_terms

# A walk that keeps ``_EF_LEAST`` in view costs as much as a scan of so many vectors; a wider view in proportion.
EXACT_ROWS = 400
CANDIDATES = 50
# Postings that one question may weigh before the commonest terms are only looked up for the best.
_BUDGET = 60_000
# How many neighbours the walk keeps in view: what brings twice k visible ones, more in a larger graph, whose ways are
# longer, in these bounds (the upper is pgvector's). Recall of the first ten is measured by benchmarks/knowledge.
_EF_LEAST, _EF_MOST = 24, 1000
_EF_MARGIN = 2.0
_EF_SIGHT = 0.2
_EF = {"margin": _EF_MARGIN, "sight": _EF_SIGHT, "least": _EF_LEAST, "most": _EF_MOST}
# How long a process believes that a generation has a graph before it asks again.
_TOLD_SECONDS, _MOST_GRAPHS = 30.0, 10_000
# A pasted page as a question must not become a thousand term look-ups.
_MOST_TERMS = 96

Cursor = psycopg.Cursor[tuple[Any, ...]]
# By Django's wrapper, of which every thread has its own.
_cursors: "WeakKeyDictionary[Any, Cursor]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Scope:
    """Where and when to search. ``groups`` None means every document (owner, steward, job); ``index_id`` None means
    the live generation of the index."""

    collection_id: UUID
    day: date
    groups: tuple[str, ...] | None
    index_id: UUID | None = None

    def parameters(self) -> dict[str, Any]:
        return {
            "collection": self.collection_id,
            "index": self.index_id,
            "day": self.day,
            "everything": self.groups is None,
            "groups": text_array(self.groups or ()),
        }


@dataclass(frozen=True, slots=True)
class _Graph:
    """What an earlier answer told of a collection's index, so that the next question asks the graph at once.

    Nothing rests on it: the statement looks for generation, rights and days itself, and finds nothing in a generation
    that is no longer read. ``way`` is the way that it took, where there is a quicker statement for the same, and
    ``walked`` tells how many rows each graph has that an audience of its own has, by the audience's number.
    """

    index_id: UUID
    dimensions: int
    until: float
    graph_rows: int
    way: str | None = None
    walked: tuple[tuple[int, int], ...] = ()
    short: "_Short | None" = None

    def fits(self, length: int) -> bool:
        return self.dimensions == length and self.until > time.monotonic()

    def view(self, k: int) -> str:
        """How many neighbours a walk for ``k`` keeps in view where all of its graph is visible."""
        largest = max((rows for _, rows in self.walked), default=self.graph_rows)
        return str(min(_EF_MOST, round(max(_EF_LEAST, _EF_SIGHT * math.sqrt(largest), _EF_MARGIN * k))))

    def taking(self, way: str | None, scope: Scope, k: int) -> "_Graph":
        """The same after a search that told its way: ``open``, ``scan``, ``shares 17:900 23:4000`` or none."""
        name, *parts = (way or "").split() or [""]
        walked = tuple((int(seat), int(rows)) for seat, _, rows in (part.partition(":") for part in parts))
        told = replace(self, way=name or None, walked=walked)
        return replace(told, short=told._short(scope, k)) if told.way else told

    def _short(self, scope: Scope, k: int) -> "_Short":
        text = statements.quick(self.way or "", tuple(seat for seat, _ in self.walked))
        own = {"told": self.index_id, "k": k, "view": self.view(k), "length": self.dimensions}
        kept = {name: None if value is None else str(value) for name, value in (own | scope.parameters()).items()}
        return _Short(statements.of_graph(text, graph_name(self.index_id), self.dimensions), kept)


class _Short(NamedTuple):
    """A quick statement and those of its values that stay the same for an asker, as text that needs no turning."""

    statement: str
    kept: dict[str, str | None]


_Asked = tuple[Scope, int, int]
_graphs: dict[_Asked, _Graph] = {}


def scope_here(collection_id: UUID, day: date, index_id: UUID | None = None) -> Scope:
    """The scope of the tenant context in force: its groups decide what may be seen."""
    return Scope(collection_id, day, current_tenant().groups, index_id)


def search(
    scope: Scope, question: Question, vector: Vectors, *, k: int = CANDIDATES, exact_rows: int = EXACT_ROWS
) -> tuple[list[Candidate], Statistics]:
    """Up to 2 × ``k`` candidates and the term statistics of what the asker may read. ``vector`` has the length
    of the generation's embedding model. Raises EmbeddingMismatch."""
    with tenant_cursor() as cursor:
        parameters = scope.parameters() | _vector(vector) | _limits(k, exact_rows) | {"budget": _BUDGET}
        parameters |= {"terms": question.search_terms()[:_MOST_TERMS]}
        asked = (scope, k, exact_rows)
        rows = _find(cursor, asked, statements.HYBRID_EXACT, statements.HYBRID_GRAPH, parameters)
        if not rows:
            return [], Statistics(0, {}, 1.0)
        named = {name: _named(cursor, scope, rows[0], name) for name in question.names}
    chunks, mean, frequency = rows[0][3:6]
    return _candidates(rows), merged(Statistics(int(chunks), _counts(frequency), float(mean)), question, named)


def nearest(scope: Scope, vector: Vectors, *, k: int = 10, exact_rows: int = EXACT_ROWS) -> list[Candidate]:
    """The vector leg alone: the ``k`` nearest visible chunks, best first. Raises EmbeddingMismatch."""
    with tenant_cursor() as cursor:
        asked = (scope, k, exact_rows)
        if quick := _quick(cursor, asked, vector):
            return quick
        parameters = scope.parameters() | _vector(vector) | _limits(k, exact_rows)
        return _candidates(_find(cursor, asked, statements.VECTORS_EXACT, statements.VECTORS_GRAPH, parameters))


def visible(scope: Scope, chunk_ids: Sequence[str]) -> list[UUID]:
    """Those of ``chunk_ids`` that lie inside ``scope``: the same conditions as the search, asked anew."""
    with tenant_cursor() as cursor:
        parameters = scope.parameters() | {"ids": list(chunk_ids)}
        return [row[0] for row in cursor.execute(statements.VISIBLE, parameters).fetchall()]


def merged(statistics: Statistics, question: Question, named: Mapping[str, int]) -> Statistics:
    """A word is as common as the commonest of its names: 医生 is not rare where every page says 医师."""
    frequency = dict(statistics.frequency) | dict(named)
    for word, others in question.variants.items():
        frequency[word] = max(frequency.get(name, 0) for name in (word, *others))
    return Statistics(statistics.chunks, frequency, statistics.mean_terms)


@contextmanager
def tenant_cursor() -> Iterator[Cursor]:
    """A cursor of psycopg's own on the tenant's connection: Django's sends text to be parsed and planned each time.

    It is kept with the connection, since a new one works out anew how each column is to be read.
    """
    wrapper = connections["default"]
    wrapper.ensure_connection()
    with wrapper.wrap_database_errors:
        cursor = _cursors.get(wrapper)
        if cursor is None or cursor.connection is not wrapper.connection:
            cursor = _cursors[wrapper] = _prepare(wrapper.connection)
        yield cursor


def _prepare(connection: "psycopg.Connection[tuple[Any, ...]]") -> Cursor:
    """Once a connection: vectors and columns travel as they are stored, and a statement is planned once for all askers.

    The plan is the same whoever asks, since :mod:`liaoyuan.knowledge.statements` leaves the planner no choice.
    """
    info = TypeInfo.fetch(connection, "halfvec")
    if info is None:
        raise RuntimeError("the database has no pgvector")
    register_halfvec_info(connection, info)
    connection.prepare_threshold = 0
    connection.execute("SET plan_cache_mode = force_generic_plan")
    cursor = psycopg.Cursor(connection)
    cursor.adapters.register_dumper(Stored, StoredDumper)
    return cursor


def _quick(cursor: Cursor, asked: _Asked, vector: Vectors) -> list[Candidate]:
    """The way that this asker's last search by vectors took, if it was told; nothing where it serves no more."""
    told = _graphs.get(asked)
    if told is None or told.short is None or not told.fits(len(vector)):
        return []
    with _tables_known():
        given = told.short.kept | {"vector": Stored(half_vector(_unit(vector)))}
        rows = cursor.execute(told.short.statement, given).fetchall()
    # A walk leaves out what may not be seen only at its end: something nearer may wait behind that.
    return [_candidate(row) for row in rows] if told.way == "scan" or len(rows) == asked[1] else []


def _find(cursor: Cursor, asked: _Asked, exact: str, graph: str, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of (generation, dimensions, chunks in its graph, chunks, mean, frequency, candidate…), if there is one.

    Where vectors alone are asked for, the way stands in place of chunks.
    """
    told = _graphs.get(asked)
    usable = told and told.graph_rows and told.fits(parameters["length"])
    if told and usable and (rows := _walk(cursor, asked, graph, told, parameters)):
        return rows
    rows = cursor.execute(exact, parameters).fetchall()
    if not rows:
        return []
    index_id, dimensions, graph_rows = rows[0][:3]
    if dimensions != parameters["length"]:
        raise EmbeddingMismatch(got=parameters["length"], wanted=dimensions)
    told = _Graph(index_id, dimensions, time.monotonic() + _TOLD_SECONDS, graph_rows)
    if told.graph_rows:
        return _walk(cursor, asked, graph, told, parameters)
    _remember(asked, told, rows)
    return rows


def _walk(
    cursor: Cursor, asked: _Asked, statement: str, told: _Graph, parameters: dict[str, Any]
) -> list[tuple[Any, ...]]:
    """What the statement over this graph finds; nothing if another generation is read by now."""
    rows = _ask(cursor, statement, told, parameters)
    if not rows or rows[0][0] != told.index_id:
        return []
    _remember(asked, told, rows)
    return rows


def _ask(cursor: Cursor, statement: str, told: _Graph, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
    with _tables_known():
        text = statements.of_graph(statement, graph_name(told.index_id), told.dimensions)
        return cursor.execute(text, parameters).fetchall()


@contextmanager
def _tables_known() -> Iterator[None]:
    """Where a graph's table is gone, what was told of all of them is forgotten."""
    try:
        yield
    except psycopg.errors.UndefinedTable:
        _graphs.clear()
        raise


def _remember(asked: _Asked, told: _Graph, rows: Sequence[tuple[Any, ...]]) -> None:
    if len(_graphs) >= _MOST_GRAPHS:
        _graphs.clear()
    # A hybrid search tells no way: it stays as it was.
    way = rows[0][3]
    _graphs[asked] = told if isinstance(way, float) else told.taking(way, *asked[:2])


def _limits(k: int, exact_rows: int) -> dict[str, Any]:
    return {"k": k, "exact_rows": exact_rows, **_EF}


def _vector(vector: Vectors) -> dict[str, Any]:
    return {"vector": HalfVector(_unit(vector)), "length": len(vector)}


def _unit(vector: Vectors) -> Vectors:
    """Of length 1, as the stored ones are: their inner product is the cosine."""
    return vector / (math.sqrt(float(np.dot(vector, vector))) or 1.0)


def _named(cursor: Cursor, scope: Scope, found: tuple[Any, ...], name: str) -> int:
    """In how many visible chunks ``name`` stands, letter by letter. Only the few questions with a name pay for it."""
    parts = list(dict.fromkeys(index_terms(name)))
    if not parts:
        return 0
    index_id, dimensions, graph_rows = found[:3]
    parameters = scope.parameters() | {"index": index_id, "name": name, "terms": parts, "budget": math.inf}
    statement = statements.NAMED_EXACT
    if graph_rows:
        statement = statements.of_graph(statements.NAMED_GRAPH, graph_name(index_id), dimensions)
    row = cursor.execute(statement, parameters).fetchone()
    return int(row[0]) if row else 0


def _candidates(rows: Sequence[tuple[Any, ...]]) -> list[Candidate]:
    return [_candidate(row[6:]) for row in rows if row[6] is not None]


def _candidate(row: Sequence[Any]) -> Candidate:
    chunk_id, title, heading, text, distance, score = row
    return Candidate(chunk_id, title, heading, text, -float(distance), float(score))


def _counts(frequency: Any) -> dict[str, int]:
    # Django registers no JSON loader for raw cursors: the value may come as text.
    found = json.loads(frequency) if isinstance(frequency, str) else (frequency or {})
    return {str(term): int(count) for term, count in found.items()}
