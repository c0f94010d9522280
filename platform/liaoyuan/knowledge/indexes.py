"""Generations of a collection's index: the live one, the swap of a newer one into its place, the end of an old one."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Max, QuerySet
from django.utils import timezone

from liaoyuan.errors import NotFound
from liaoyuan.knowledge.errors import IndexBusy, IndexNotReady
from liaoyuan.knowledge.models import Chunk, Collection, IndexState, SearchIndex
from liaoyuan.knowledge.statements import graph_name

# Below, a scan of what is visible is as fast as a walk through a graph, and exact.
GRAPH_ROWS = 400
# While more is on its way a graph for each quarter would take longer than writing: up to so many chunks, or as many as
# there are inside, are scanned beside it meanwhile, 4,000 in some fifteen milliseconds.
_ROWS_MEANWHILE = 4000
# Each graph of an audience costs its readers' share of the common graph's time once more, and a name in each search.
_MOST_OWN = 16
_GRAPH_STATE = """
SELECT greatest(
    coalesce(sum(chunk_count) FILTER (WHERE NOT (graphed AND merged)), 0),
    (SELECT coalesce(sum(chunk_count), 0) FROM knowledge_stale WHERE index_id = %(index)s)
), coalesce(sum(chunk_count) FILTER (WHERE graphed AND merged), 0)
FROM knowledge_searchentry WHERE index_id = %(index)s
"""
_GRAPHED = """
UPDATE knowledge_searchentry SET graphed = true, merged = true
WHERE index_id = %(index)s AND NOT (graphed AND merged)
"""
_STEP = "UPDATE knowledge_searchindex SET graph_step = %(step)s WHERE id = %(index)s"
# Audiences that get a graph of their own: enough rows to walk rather than scan, and not most of all, for whose readers
# the common graph serves.
_PARTS = """
SELECT audience FROM (
    SELECT audience, sum(chunk_count) AS chunks, sum(sum(chunk_count)) OVER () AS every
    FROM knowledge_searchentry WHERE index_id = %(index)s GROUP BY audience
) a WHERE chunks > %(more_than)s AND chunks * 2 <= every ORDER BY chunks DESC LIMIT %(most)s
"""
_INDEX = f"""
UPDATE knowledge_searchindex SET graph_step = 'index', graph_audiences = ARRAY({_PARTS}) WHERE id = %(index)s
"""  # noqa: S608 - only constants of this module are joined
_PART_MISSING = f"""
SELECT EXISTS (
    SELECT FROM ({_PARTS}) wanted JOIN knowledge_searchindex i ON i.id = %(index)s AND i.graph_rows > 0
    WHERE NOT wanted.audience = ANY (i.graph_audiences)
)
"""  # noqa: S608 - only constants of this module are joined
_DONE = """
UPDATE knowledge_searchindex SET graph_step = '', graph_rows = (
    SELECT coalesce(sum(chunk_count), 0) FROM knowledge_searchentry WHERE index_id = %(index)s
) WHERE id = %(index)s
"""
_GRAPH_FILL = """
INSERT INTO {name} (organization_id, entry, chunk_id, embedding, audience)
SELECT v.organization_id, v.entry, v.chunk_id, v.embedding, e.audience
FROM knowledge_searchentry e JOIN knowledge_vector v ON v.entry = e.seat WHERE e.index_id = %(index)s
"""
# One column less to group by, and places unfolded in the list of columns: three quarters of the time it took in joins.
_POSTINGS_FILL = """
INSERT INTO {name} (organization_id, audience, term, places)
SELECT (SELECT organization_id FROM knowledge_searchindex WHERE id = %(index)s), audience, term,
       array_agg(base + position * 256 + get_byte(classes, position - 1))
FROM (
    SELECT e.audience, (e.seat << 32) + (w.before << 8) AS base, w.classes, u.lexeme COLLATE "C" AS term,
           unnest(u.positions) AS position
    FROM knowledge_searchentry e JOIN knowledge_words w ON w.entry = e.seat CROSS JOIN LATERAL unnest(w.words) u
    WHERE e.index_id = %(index)s
) one_by_one GROUP BY audience, term
"""
# Whoever deleted an entry while the lists were filled waited for nobody: it is looked for when all others wait.
_STALE = """
DELETE FROM knowledge_stale WHERE index_id = %(index)s;
INSERT INTO knowledge_stale (organization_id, index_id, entry, chunk_count)
SELECT i.organization_id, i.id, g.entry, g.chunks FROM knowledge_searchindex i
CROSS JOIN (SELECT entry, count(*) AS chunks FROM {name} GROUP BY entry) g
WHERE i.id = %(index)s AND NOT EXISTS (SELECT FROM knowledge_searchentry e WHERE e.seat = g.entry)
"""
_REPLACEABLE = (IndexState.READY, IndexState.RETIRED)


def live_index(collection_id: UUID) -> SearchIndex:
    """The generation that searches read; a collection's first is made here, on first need. Raises NotFound."""
    found = _live(collection_id).first()
    if found is not None:
        return found
    with transaction.atomic():
        _lock(collection_id)
        return _live(collection_id).first() or _make(collection_id, state=IndexState.LIVE, live_at=timezone.now())


def index_read(collection_id: UUID, index_id: UUID | None = None) -> SearchIndex | None:
    """The generation that a search reads: the one named, else the live one, if any. Writes nothing."""
    found = SearchIndex.objects.filter(collection_id=collection_id)
    return (found.filter(id=index_id) if index_id else _live(collection_id)).first()


def live_index_held(collection_id: UUID) -> SearchIndex:
    """The live generation, which stays so until this transaction ends: a swap waits for whoever writes into it."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM knowledge_collection WHERE id = %s FOR SHARE", [collection_id])
    return live_index(collection_id)


def index_start(
    collection_id: UUID, *, embedder: str, dimensions: int, settings: Mapping[str, Any], **fields: Any
) -> SearchIndex:
    """A new generation beside the live one, in state building. ``fields``: run_id, created_by. Raises NotFound."""
    with transaction.atomic():
        _lock(collection_id)
        wanted = {"embedder": embedder, "dimensions": dimensions, "settings": dict(settings)}
        return _make(collection_id, state=IndexState.BUILDING, **wanted, **fields)


def index_swap(index_id: UUID) -> SearchIndex:
    """Let searches read ``index_id`` from the end of this transaction on; the live generation before it retires.

    A retired generation may come back the same way. Raises NotFound, IndexNotReady.
    """
    with transaction.atomic():
        index = _get(index_id)
        _lock(index.collection_id)
        index.refresh_from_db()
        if index.state == IndexState.LIVE:
            return index
        if index.state not in _REPLACEABLE:
            raise IndexNotReady(number=index.number)
        _live(index.collection_id).update(state=IndexState.RETIRED)
        index.state, index.live_at = IndexState.LIVE, timezone.now()
        index.chunk_count = index.chunks.count()
        index.save(update_fields=["state", "live_at", "chunk_count"])
        return index


def index_drop(index_id: UUID) -> int:
    """Remove a generation and its chunks; how many chunks there were. Raises NotFound, and IndexBusy for the live."""
    with transaction.atomic():
        index = _get(index_id)
        _lock(index.collection_id)
        index.refresh_from_db()
        if index.state == IndexState.LIVE:
            raise IndexBusy(number=index.number)
        count = Chunk.objects.filter(index=index).count()
        index.delete()
        return count


def graph_ensure(index_id: UUID, *, more_than: int = GRAPH_ROWS, parts: bool = False, meanwhile: bool = False) -> bool:
    """Give a generation its HNSW graph and lists of words, or new ones, where enough chunks stand outside; whether they
    were built.

    Enough are more than ``more_than`` and a quarter of those inside, so that all builds together cost a few times the
    last; ``meanwhile``, where more chunks follow at once, it is more than those inside. With ``parts`` an audience that
    should have a graph of its own and has none is reason enough. The old graph serves until the new one is whole; only
    writers of this generation wait.
    """
    least = _Least(_ROWS_MEANWHILE, 1) if meanwhile else _Least(more_than, 0.25)
    with transaction.atomic(), connections["default"].cursor() as cursor:
        if not _outgrown(cursor, index_id, least, parts=parts):
            return False
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 1))", [str(index_id)])
        if not _outgrown(cursor, index_id, least, parts=parts):
            return False
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL work_mem = '128MB'")
        cursor.execute(_STEP, {"index": index_id, "step": "make"})
        name = graph_name(index_id)
        cursor.execute(_GRAPH_FILL.format(name=f"{name}_next"), {"index": index_id})
        cursor.execute(_POSTINGS_FILL.format(name=f"{name}_postings_next"), {"index": index_id})
        cursor.execute(_INDEX, {"index": index_id, "more_than": least.rows, "most": _MOST_OWN})
        cursor.execute(_GRAPHED, {"index": index_id})
        cursor.execute(_STALE.format(name=name), {"index": index_id})
        cursor.execute(_DONE, {"index": index_id})
        return True


class _Least(NamedTuple):
    """How many chunks outside a graph are enough: so many, and such a share of those inside."""

    rows: int
    share: float


def _outgrown(cursor: CursorWrapper, index_id: UUID, least: _Least, *, parts: bool) -> bool:
    cursor.execute(_GRAPH_STATE, {"index": index_id})
    outside, inside = cursor.fetchone()
    if outside > max(least.rows, least.share * int(inside)):
        return True
    if not parts:
        return False
    cursor.execute(_PART_MISSING, {"index": index_id, "more_than": least.rows, "most": _MOST_OWN})
    return bool(cursor.fetchone()[0])


def _live(collection_id: UUID) -> QuerySet[SearchIndex]:
    return SearchIndex.objects.filter(collection_id=collection_id, state=IndexState.LIVE)


def _get(index_id: UUID) -> SearchIndex:
    found = SearchIndex.objects.filter(id=index_id).first()
    if found is None:
        raise NotFound
    return found


def _lock(collection_id: UUID) -> None:
    """One change of a collection's generations at a time."""
    if not Collection.objects.select_for_update(no_key=True).filter(id=collection_id).exists():
        raise NotFound


def _make(collection_id: UUID, **fields: Any) -> SearchIndex:
    highest = SearchIndex.objects.filter(collection_id=collection_id).aggregate(highest=Max("number"))["highest"]
    organization_id = Collection.objects.values_list("organization_id", flat=True).get(id=collection_id)
    return SearchIndex.objects.create(
        organization_id=organization_id, collection_id=collection_id, number=(highest or 0) + 1, **fields
    )
