"""Finds candidates by vector and by words, inside the asker's rights, at one date, in one generation of the index.

Two round trips: where to look (generation, graph, how much is visible), then everything in one statement
(:mod:`liaoyuan.knowledge.statements`). Up to ``EXACT_ROWS`` visible chunks the vectors are scanned exactly; above, the
generation's own HNSW graph walks on (``iterative_scan``) until enough pass.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
import psycopg
from django.db import connections

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge import statements
from liaoyuan.knowledge.adapters.embeddings import Vectors
from liaoyuan.knowledge.errors import EmbeddingMismatch
from liaoyuan.knowledge.question import Question
from liaoyuan.knowledge.rank import Candidate, Statistics
from liaoyuan.knowledge.text.segment import index_terms

EXACT_ROWS = 20_000
CANDIDATES = 50
# Postings that one question may weigh before the commonest terms are only looked up for the best.
_BUDGET = 60_000
# How many the walk keeps in view; recall of the first ten, measured (benchmarks/knowledge).
_EF_SEARCH = 160
# A pasted page as a question must not become a thousand term look-ups.
_MOST_TERMS = 96


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
            "groups": list(self.groups or ()),
        }


@dataclass(frozen=True, slots=True)
class _Place:
    """One generation as one asker sees it. ``graph`` is the table to walk, where scanning would take longer."""

    parameters: dict[str, Any]
    dimensions: int
    graph: str = ""


def scope_here(collection_id: UUID, day: date, index_id: UUID | None = None) -> Scope:
    """The scope of the tenant context in force: its groups decide what may be seen."""
    return Scope(collection_id, day, current_tenant().groups, index_id)


def search(
    scope: Scope, question: Question, vector: Vectors, *, k: int = CANDIDATES, exact_rows: int = EXACT_ROWS
) -> tuple[list[Candidate], Statistics]:
    """Up to 2 × ``k`` candidates and the term statistics of what the asker may read. ``vector`` has the length
    of the generation's embedding model. Raises EmbeddingMismatch."""
    with _cursor() as cursor:
        place = _locate(cursor, scope, exact_rows)
        if place is None:
            return [], Statistics(0, {}, 1.0)
        parameters = place.parameters | _vector(place, vector) | {"k": k, "budget": _BUDGET}
        parameters |= {"terms": question.search_terms()[:_MOST_TERMS]}
        _run(cursor, place, statements.HYBRID_EXACT, statements.HYBRID_GRAPH, parameters)
        candidates, statistics = _read(cursor.fetchall())
        named = {name: _named(cursor, place, name) for name in question.names}
    return candidates, merged(statistics, question, named)


def nearest(scope: Scope, vector: Vectors, *, k: int = 10, exact_rows: int = EXACT_ROWS) -> list[Candidate]:
    """The vector leg alone: the ``k`` nearest visible chunks, best first. Raises EmbeddingMismatch."""
    with _cursor() as cursor:
        place = _locate(cursor, scope, exact_rows)
        if place is None:
            return []
        parameters = place.parameters | _vector(place, vector) | {"k": k}
        _run(cursor, place, statements.VECTORS_EXACT, statements.VECTORS_GRAPH, parameters)
        rows = cursor.fetchall()
    return [Candidate(str(row[0]), row[1], " ".join(row[2]), row[3], -float(row[4]), 0.0) for row in rows]


def visible(scope: Scope, chunk_ids: Sequence[str]) -> list[UUID]:
    """Those of ``chunk_ids`` that lie inside ``scope``: the same conditions as the search, asked anew."""
    with _cursor() as cursor:
        place = _locate(cursor, scope, EXACT_ROWS)
        if place is None:
            return []
        cursor.execute(statements.VISIBLE, place.parameters | {"ids": list(chunk_ids)})
        return [row[0] for row in cursor.fetchall()]


def merged(statistics: Statistics, question: Question, named: Mapping[str, int]) -> Statistics:
    """A word is as common as the commonest of its names: 医生 is not rare where every page says 医师."""
    frequency = dict(statistics.frequency) | dict(named)
    for word, others in question.variants.items():
        frequency[word] = max(frequency.get(name, 0) for name in (word, *others))
    return Statistics(statistics.chunks, frequency, statistics.mean_terms)


@contextmanager
def _cursor() -> Iterator["psycopg.Cursor[tuple[Any, ...]]"]:
    """A cursor of psycopg's own on the tenant's connection: Django's sends text to be parsed and planned each time."""
    wrapper = connections["default"]
    wrapper.ensure_connection()
    connection: psycopg.Connection[tuple[Any, ...]] = wrapper.connection
    connection.prepare_threshold = 1
    with psycopg.Cursor(connection) as cursor, wrapper.wrap_database_errors:
        yield cursor


def _locate(cursor: "psycopg.Cursor[tuple[Any, ...]]", scope: Scope, exact_rows: int) -> _Place | None:
    row = cursor.execute(statements.LOCATE, scope.parameters()).fetchone()
    if row is None:
        return None
    index_id, dimensions, graph, count, _ = row
    walk = graph and count > exact_rows
    name = f"knowledge_graph_{index_id.hex}" if walk else ""
    return _Place(scope.parameters() | {"index": index_id}, dimensions, name)


def _run(
    cursor: "psycopg.Cursor[tuple[Any, ...]]", place: _Place, exact: str, graph: str, parameters: dict[str, Any]
) -> None:
    if not place.graph:
        cursor.execute(exact, parameters)
        return
    cursor.execute(statements.WALK_ON, {"ef": str(max(2 * int(parameters["k"]), _EF_SEARCH))})
    cursor.execute(statements.of_graph(graph, place.graph, place.dimensions), parameters)


def _vector(place: _Place, vector: Vectors) -> dict[str, str]:
    """The question's vector as a unit vector, since the stored ones are: their inner product is the cosine."""
    if len(vector) != place.dimensions:
        raise EmbeddingMismatch(got=len(vector), wanted=place.dimensions)
    unit = vector / (float(np.linalg.norm(vector)) or 1.0)
    return {"vector": "[" + ",".join(map("{:.5g}".format, unit.tolist())) + "]"}


def _named(cursor: "psycopg.Cursor[tuple[Any, ...]]", place: _Place, name: str) -> int:
    """In how many visible chunks ``name`` stands, letter by letter. Only the few questions with a name pay for it."""
    parts = list(dict.fromkeys(index_terms(name)))
    if not parts:
        return 0
    row = cursor.execute(statements.NAMED, place.parameters | {"name": name, "parts": parts}).fetchone()
    return int(row[0]) if row else 0


def _read(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Candidate], Statistics]:
    chunks, mean, frequency = rows[0][:3]
    candidates = [
        Candidate(str(row[3]), row[4], " ".join(row[5]), row[6], -float(row[7]), float(row[8]))
        for row in rows
        if row[3] is not None
    ]
    return candidates, Statistics(int(chunks), _counts(frequency), float(mean))


def _counts(frequency: Any) -> dict[str, int]:
    # Django registers no JSON loader for raw cursors: the value may come as text.
    found = json.loads(frequency) if isinstance(frequency, str) else (frequency or {})
    return {str(term): int(count) for term, count in found.items()}
