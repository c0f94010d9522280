"""One SQL statement finds candidates by vector and by words, inside the asker's rights and at one date.

Rights, validity and collection are conditions of the scan that measures distance, never a filter over its result. Up to
``EXACT_ROWS`` visible chunks the scan is exact; above, the HNSW index walks on (``iterative_scan``) until it has
enough that pass.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.backends.utils import CursorWrapper

from liaoyuan.accounts.tenancy import current_tenant
from liaoyuan.knowledge.adapters.embeddings import Vectors
from liaoyuan.knowledge.question import Question
from liaoyuan.knowledge.rank import Candidate, Statistics

EXACT_ROWS = 30_000
CANDIDATES = 50
# A pasted page as a question must not become a thousand term look-ups.
_MOST_TERMS = 96

# The live generation, unless the caller names one; either way one of this collection.
_SCOPE = """
    c.index_id = (SELECT i.id FROM knowledge_searchindex i WHERE i.collection_id = %(collection)s
                  AND (i.id = %(index)s OR (%(index)s::uuid IS NULL AND i.state = 'live')))
    AND c.enabled
    AND (c.effective_from IS NULL OR c.effective_from <= %(day)s)
    AND (c.effective_to IS NULL OR c.effective_to > %(day)s)
    AND (%(everything)s OR c.groups = '{}' OR c.groups && %(groups)s::varchar[])
"""
_COUNT = f"SELECT count(*) FROM (SELECT 1 FROM knowledge_chunk c WHERE {_SCOPE} LIMIT %(limit)s) visible"  # noqa: S608
_LEXICAL = """
wanted AS MATERIALIZED (
    SELECT term, quote_literal(term)::tsquery AS query FROM unnest(%(terms)s::text[]) AS listed(term)
), hits AS MATERIALIZED (
    SELECT s.id, s.term_count, w.term FROM scope s JOIN wanted w ON s.terms @@ w.query
), frequency AS (
    SELECT term, count(*) AS chunks FROM hits GROUP BY term
), size AS (
    SELECT count(*) AS chunks, coalesce(avg(term_count), 1) AS mean FROM scope
), lexical AS (
    SELECT h.id, sum(ln(1 + (z.chunks - f.chunks + 0.5) / (f.chunks + 0.5)) * 2.2
                     / (1 + 1.2 * (0.4 + 0.6 * h.term_count / z.mean))) AS score
    FROM hits h JOIN frequency f USING (term) CROSS JOIN size z GROUP BY h.id ORDER BY score DESC LIMIT %(k)s
)
"""
_RESULT = """
SELECT z.chunks, z.mean, (SELECT jsonb_object_agg(term, chunks) FROM frequency), c.id, c.title, c.heading_path, c.text,
       (c.embedding <=> %(vector)s::halfvec), coalesce(l.score, 0)
FROM size z
LEFT JOIN (SELECT id FROM lexical UNION SELECT id FROM nearest) found ON true
LEFT JOIN knowledge_chunk c ON c.id = found.id
LEFT JOIN lexical l ON l.id = c.id
"""
# `terms || ''` unpacks the vector once; kept compressed, every single comparison would unpack it anew.
_EXACT = f"""
WITH scope AS MATERIALIZED (
    SELECT c.id, c.terms || ''::tsvector AS terms, c.term_count, c.embedding <=> %(vector)s::halfvec AS distance
    FROM knowledge_chunk c WHERE {_SCOPE}
), nearest AS (SELECT id FROM scope ORDER BY distance LIMIT %(k)s), {_LEXICAL} {_RESULT}
"""  # noqa: S608 - only constants of this module are joined
_INDEXED = f"""
WITH nearest AS MATERIALIZED (
    SELECT c.id FROM knowledge_chunk c WHERE {_SCOPE} AND vector_dims(c.embedding) = DIMENSIONS
    ORDER BY c.embedding::halfvec(DIMENSIONS) <=> %(vector)s::halfvec(DIMENSIONS) LIMIT %(k)s
), scope AS MATERIALIZED (
    SELECT c.id, c.terms || ''::tsvector AS terms, c.term_count FROM knowledge_chunk c WHERE {_SCOPE}
), {_LEXICAL} {_RESULT}
"""  # noqa: S608 - only constants of this module are joined


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


def scope_here(collection_id: UUID, day: date, index_id: UUID | None = None) -> Scope:
    """The scope of the tenant context in force: its groups decide what may be seen."""
    return Scope(collection_id, day, current_tenant().groups, index_id)


def search(
    scope: Scope, question: Question, vector: Vectors, *, k: int = CANDIDATES, exact_rows: int = EXACT_ROWS
) -> tuple[list[Candidate], Statistics]:
    """Up to 2 × ``k`` candidates and the term statistics of what the asker may read. ``vector`` has the length
    of the generation's embedding model."""
    parameters = scope.parameters() | {
        "terms": question.search_terms()[:_MOST_TERMS],
        "vector": "[" + ",".join(f"{value:.6g}" for value in vector.tolist()) + "]",
        "k": k,
        "limit": exact_rows + 1,
    }
    with connections["default"].cursor() as cursor:
        cursor.execute(_COUNT, parameters)
        exact = cursor.fetchone()[0] <= exact_rows
        if not exact:
            cursor.execute("SET LOCAL hnsw.iterative_scan = strict_order")
            cursor.execute(f"SET LOCAL hnsw.ef_search = {max(2 * int(k), 100)}")
        cursor.execute(_EXACT if exact else _INDEXED.replace("DIMENSIONS", str(len(vector))), parameters)
        candidates, statistics = _read(cursor.fetchall())
        named = _named(cursor, scope, question.names) if question.names else {}
    return candidates, merged(statistics, question, named)


_NAMED = f"""
SELECT listed.name, count(c.id) FROM unnest(%(names)s::text[]) AS listed(name)
JOIN knowledge_chunk c ON strpos(lower(translate(c.title || c.text, E' \\n', '')), listed.name) > 0
WHERE {_SCOPE} GROUP BY listed.name
"""  # noqa: S608 - only constants of this module are joined


def _named(cursor: CursorWrapper, scope: Scope, names: Sequence[str]) -> dict[str, int]:
    """In how many visible chunks each name stands, letter by letter. Only the few questions with a name pay for it."""
    cursor.execute(_NAMED, scope.parameters() | {"names": list(names)})
    return {str(name): int(count) for name, count in cursor.fetchall()}


def merged(statistics: Statistics, question: Question, named: Mapping[str, int]) -> Statistics:
    """A word is as common as the commonest of its names: 医生 is not rare where every page says 医师."""
    frequency = dict(statistics.frequency) | dict(named)
    for word, others in question.variants.items():
        frequency[word] = max(frequency.get(name, 0) for name in (word, *others))
    return Statistics(statistics.chunks, frequency, statistics.mean_terms)


def visible(cursor: CursorWrapper, scope: Scope, chunk_ids: Sequence[str]) -> list[UUID]:
    """Those of ``chunk_ids`` that lie inside ``scope``: the same conditions as the search, asked anew."""
    statement = f"SELECT c.id FROM knowledge_chunk c WHERE c.id = ANY(%(ids)s::uuid[]) AND {_SCOPE}"  # noqa: S608
    cursor.execute(statement, scope.parameters() | {"ids": list(chunk_ids)})
    return [row[0] for row in cursor.fetchall()]


def _read(rows: Sequence[tuple[Any, ...]]) -> tuple[list[Candidate], Statistics]:
    chunks, mean, frequency = rows[0][:3]
    candidates = [
        Candidate(str(row[3]), row[4], " ".join(row[5]), row[6], 1.0 - float(row[7]), float(row[8]))
        for row in rows
        if row[3] is not None
    ]
    return candidates, Statistics(int(chunks), _counts(frequency), float(mean))


def _counts(frequency: Any) -> dict[str, int]:
    # Django registers no JSON loader for raw cursors: the value may come as text.
    found = json.loads(frequency) if isinstance(frequency, str) else (frequency or {})
    return {str(term): int(count) for term, count in found.items()}
