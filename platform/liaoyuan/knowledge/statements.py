"""The SQL of the search. Every statement that finds a chunk holds the rights, the days and the generation itself.

Audiences come first (``knowledge_searchaudience``): rights and days, each once for all versions that share them. What
an asker may read is a handful of those, their entries, and the vectors and postings of these, looked up entry by
entry, however much lies beside them. ``LATERAL … OFFSET 0`` keeps the planner to that order whatever its statistics
say; equality of bigint, uuid and text is leakproof, so the indexes serve under row-level security.
"""

from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

# Days and rights of an audience or a chunk, for the asker of now.
_MAY_READ = """
    ({0}.effective_from IS NULL OR {0}.effective_from <= %(day)s)
    AND ({0}.effective_to IS NULL OR {0}.effective_to > %(day)s)
    AND (%(everything)s OR {0}.groups = '{{}}' OR {0}.groups && %(groups)s::varchar[])
"""
# A second look at the row itself, before any word of it leaves the database.
_CHUNK_SCOPE = f"c.index_id = (SELECT p.id FROM place p) AND c.enabled AND {_MAY_READ.format('c')}"  # noqa: S608 - likewise

# The live generation unless one is named, and which of its audiences the asker belongs to.
_PLACE = f"""
place AS MATERIALIZED (
    SELECT i.id, i.dimensions, i.graph_rows, ARRAY(
        SELECT a.seat FROM knowledge_searchaudience a WHERE a.index_id = i.id AND {_MAY_READ.format("a")}
    ) AS mine
    FROM knowledge_searchindex i WHERE i.collection_id = %(collection)s
    AND (i.id = %(index)s OR (%(index)s::uuid IS NULL AND i.state = 'live'))
)
"""  # noqa: S608 - only constants of this module are joined
_SEEN = """
seen AS MATERIALIZED (
    SELECT e.seat, e.chunk_count, e.term_count FROM place p CROSS JOIN LATERAL unnest(p.mine) AS m(audience)
    CROSS JOIN LATERAL (
        SELECT n.seat, n.chunk_count, n.term_count FROM knowledge_searchentry n WHERE n.audience = m.audience OFFSET 0
    ) e
)
"""
# A large generation has a graph of its own; this statement then finds no vector and says so (``graph_rows``).
_NEAREST_EXACT = """
nearest AS MATERIALIZED (
    SELECT v.chunk_id AS id, v.distance FROM place p CROSS JOIN seen s CROSS JOIN LATERAL (
        SELECT n.chunk_id, n.embedding <#> %(vector)s AS distance FROM knowledge_vector n
        WHERE n.entry = s.seat AND p.dimensions = %(length)s OFFSET 0
    ) v WHERE p.graph_rows = 0 ORDER BY v.distance LIMIT %(k)s
)
"""
# Where all is visible (``open``) the walk asks no row; else each that it meets is asked for its entry's audience, so
# that it goes on until k pass. It keeps ``view`` neighbours in sight: as many as bring k visible ones, and more in a
# larger graph, whose ways are longer. Where that is more than it can, or the scan of what is visible takes no longer,
# what is visible is scanned: that is exact. Settings are told before the walk begins, since it waits for ``walk``.
# OFFSET 0: looked up once, not once a use.
_HIDDEN = f"""
    SELECT FROM knowledge_searchaudience a WHERE a.index_id = place.id AND NOT ({_MAY_READ.format("a")})
    AND EXISTS (SELECT FROM knowledge_searchentry e WHERE e.audience = a.seat)
"""  # noqa: S608 - only constants of this module are joined
_PLAN = f"""
sized AS MATERIALIZED (
    SELECT p.*, greatest(%(least)s, %(sight)s * sqrt(p.graph_rows),
        %(margin)s * %(k)s * p.graph_rows / greatest(p.visible, 1)) AS view FROM (
        SELECT q.*, CASE WHEN q.open THEN q.graph_rows ELSE (SELECT sum(chunk_count) FROM seen) END::float8 AS visible
        FROM (SELECT *, NOT EXISTS ({_HIDDEN}) AS open FROM place OFFSET 0) q
    ) p
), plan AS MATERIALIZED (
    SELECT w.*, CASE WHEN w.walk THEN set_config('hnsw.ef_search', round(w.view)::text, true)
        || set_config('hnsw.iterative_scan', 'strict_order', true) END AS told
    FROM (SELECT z.*, coalesce(z.graph_rows > 0 AND z.view <= %(most)s
        AND z.visible > %(exact_rows)s * z.view / %(least)s, false) AS walk FROM sized z) w
)
"""  # noqa: S608 - only constants of this module are joined
# The condition is a sub-query a row, no join: the walk through the graph keeps its order and stops as soon as k pass.
# Entries that are younger than the graph are scanned beside it.
_WALKED = """
walked AS MATERIALIZED (
    SELECT g.chunk_id AS id, g.embedding <#> %(vector)s::halfvec(DIMENSIONS) AS distance FROM GRAPH g
    WHERE (SELECT p.walk FROM plan p) AND ((SELECT p.open FROM plan p) OR (
        SELECT e.audience = ANY ((SELECT p.mine FROM plan p)::bigint[]) FROM knowledge_searchentry e
        WHERE e.seat = g.entry
    )) ORDER BY g.embedding <#> %(vector)s::halfvec(DIMENSIONS) LIMIT %(k)s
), nearest AS MATERIALIZED (
    SELECT id, distance FROM (
        SELECT id, distance FROM walked
        UNION ALL
        SELECT v.chunk_id, v.distance FROM scanned s CROSS JOIN LATERAL (
            SELECT n.chunk_id, n.embedding <#> %(vector)s AS distance FROM knowledge_vector n
            WHERE n.entry = s.seat OFFSET 0
        ) v
    ) found ORDER BY distance LIMIT %(k)s
)
"""
_NEAREST_GRAPH = f"""
scanned AS MATERIALIZED (
    SELECT s.seat FROM plan p CROSS JOIN seen s WHERE NOT p.walk
    UNION ALL
    SELECT e.seat FROM plan p CROSS JOIN LATERAL (
        SELECT n.seat, n.audience FROM knowledge_searchentry n WHERE n.index_id = p.id AND NOT n.graphed OFFSET 0
    ) e WHERE p.walk AND e.audience = ANY (p.mine)
), {_WALKED}
"""  # noqa: S608 - only constants of this module are joined
# The words of the question in each entry that is not in the lists: its own row, cut down to them.
_OWN_WORDS = """
    SELECT s.seat, w.before, w.classes, u.lexeme COLLATE "C" AS term, u.positions
    FROM (ENTRIES) s CROSS JOIN LATERAL (
        SELECT n.before, n.classes, n.words FROM knowledge_words n WHERE n.entry = s.seat OFFSET 0
    ) w CROSS JOIN LATERAL unnest(ts_filter(setweight(w.words, 'A', %(terms)s::text[]), '{a}')) u
"""
_YOUNG_WORDS = _OWN_WORDS.replace(
    "ENTRIES",
    """SELECT e.seat FROM place p CROSS JOIN LATERAL (
        SELECT n.seat, n.audience FROM knowledge_searchentry n WHERE n.index_id = p.id AND NOT n.merged OFFSET 0
    ) e WHERE e.audience = ANY (p.mine)""",
)
# A place is (entry << 32) | (place << 8) | length class, wherever it comes from.
_PLACE_OF = "(seat << 32) | ((before + position)::bigint << 8) | get_byte(classes, position - 1)"
# With a graph beside them lists over all entries: one look at the index over (term, audience) for each, whether the
# asker may read one entry or all. What became stale since counts no more.
_STALE = "(SELECT d.entry FROM knowledge_stale d WHERE d.index_id = (SELECT p.id FROM place p))"
_LISTED = f"""
listed AS MATERIALIZED (
    SELECT h.term, h.places, CASE WHEN EXISTS {_STALE} THEN (
        SELECT count(*) FROM unnest(h.places) AS u(packed) WHERE u.packed >> 32 NOT IN {_STALE}
    ) ELSE cardinality(h.places) END AS count FROM place p CROSS JOIN LATERAL (
        SELECT q.term, q.places FROM GRAPH_postings q
        WHERE q.term = ANY(%(terms)s::text[]) AND q.audience = ANY(p.mine) OFFSET 0
    ) h
)
"""  # noqa: S608 - only constants of this module are joined
_OWN = """
own AS MATERIALIZED (WORDS), frequency AS (
    SELECT term, sum(count)::float8 AS chunks FROM (
        SELECT term, cardinality(positions) AS count FROM own LISTED
    ) every GROUP BY term
)
"""
# Where there are lists this statement is not the one that is read: it costs nothing but telling so.
_SMALL = "SELECT e.seat FROM place p CROSS JOIN seen e WHERE p.graph_rows = 0"
_HITS_EXACT = _OWN.replace("WORDS", _OWN_WORDS.replace("ENTRIES", _SMALL)).replace("LISTED", "")
_OWN_YOUNG = _OWN.replace("WORDS", _YOUNG_WORDS).replace(
    "LISTED", "UNION ALL SELECT term, count FROM listed WHERE count > 0"
)
_HITS_GRAPH = f"{_LISTED}, {_OWN_YOUNG}"
_WEIGHED_EXACT = f"""
    SELECT {_PLACE_OF} AS packed, w.idf FROM own h JOIN weighed w USING (term)
    CROSS JOIN LATERAL unnest(h.positions) AS u(position) WHERE w.upto <= %(budget)s OR w.upto = w.chunks
"""  # noqa: S608 - only constants of this module are joined
_WEIGHED_GRAPH = f"""{_WEIGHED_EXACT} UNION ALL
    SELECT u.packed, w.idf FROM listed h JOIN weighed w USING (term)
    CROSS JOIN LATERAL unnest(h.places) AS u(packed)
    WHERE (w.upto <= %(budget)s OR w.upto = w.chunks) AND u.packed >> 32 NOT IN {_STALE}
"""  # noqa: S608 - only constants of this module are joined
# What is added to 1 of a length class: 16 steps an octave.
_LENGTHS = f"'{{{','.join(f'{2 ** (each / 16) - 1:.6g}' for each in range(256))}}}'::float8[]"
# BM25 with a term frequency of one and Lucene's one-byte lengths, over the rarest terms whose postings fit the budget;
# what the commoner ones add is looked up for the best of those alone. N, df and the mean length are of what the asker
# may read, no more.
_LEXICAL = f"""
size AS (
    SELECT coalesce(sum(chunk_count), 0)::float8 AS chunks,
           coalesce(sum(term_count)::float8 / nullif(sum(chunk_count), 0), 1) AS mean FROM seen
), HITS, weighed AS MATERIALIZED (
    SELECT f.term, f.chunks, ln(1 + (z.chunks - f.chunks + 0.5) / (f.chunks + 0.5)) AS idf,
           sum(f.chunks) OVER (ORDER BY f.chunks, f.term) AS upto FROM frequency f CROSS JOIN size z
), scored AS (
    SELECT packed, sum(idf) AS idf FROM (WEIGHED) one_by_one GROUP BY packed
), first AS MATERIALIZED (
    SELECT s.packed >> 32 AS entry, ((s.packed >> 8) & 16777215)::int AS place, s.idf, s.idf * p.norm AS score, p.norm
    FROM scored s CROSS JOIN size z CROSS JOIN LATERAL (
        SELECT 2.2 / (1 + 1.2 * (0.4 + 0.6 * ({_LENGTHS})[(s.packed & 255) + 1] / z.mean)) AS norm OFFSET 0
    ) p ORDER BY score DESC LIMIT 4 * %(k)s
), lexical AS MATERIALIZED (
    SELECT n.chunk_id AS id, f.norm * (f.idf + CASE WHEN EXISTS (
        SELECT 1 FROM weighed w WHERE w.upto > %(budget)s AND w.upto <> w.chunks
    ) THEN coalesce((
        SELECT sum(w.idf) FROM weighed w JOIN knowledge_chunk c ON c.id = n.chunk_id
        WHERE w.upto > %(budget)s AND w.upto <> w.chunks AND c.terms @@ quote_literal(w.term)::tsquery
    ), 0) ELSE 0 END) AS score
    FROM first f CROSS JOIN LATERAL (
        SELECT v.chunk_id FROM knowledge_vector v WHERE v.entry = f.entry AND v.place = f.place OFFSET 0
    ) n ORDER BY score DESC LIMIT %(k)s
)
"""  # noqa: S608 - only constants of this module are joined
_LEXICAL_EXACT = _LEXICAL.replace("HITS", _HITS_EXACT).replace("WEIGHED", _WEIGHED_EXACT)
_LEXICAL_GRAPH = _LEXICAL.replace("HITS", _HITS_GRAPH).replace("WEIGHED", _WEIGHED_GRAPH)
_ROW = f"""
LEFT JOIN LATERAL (SELECT * FROM knowledge_chunk k WHERE k.id = found.id OFFSET 0) c ON {_CHUNK_SCOPE}
"""  # noqa: S608 - only constants of this module are joined
_RESULT = f"""
SELECT p.id, p.dimensions, p.graph_rows, z.chunks, z.mean, (SELECT jsonb_object_agg(term, chunks) FROM frequency),
       c.id::text, c.title, array_to_string(c.heading_path, ' '), c.text,
       CASE WHEN p.dimensions = %(length)s THEN coalesce(found.distance, (c.embedding <=> %(vector)s) - 1) END,
       coalesce(found.score, 0)
FROM place p CROSS JOIN size z
LEFT JOIN (
    SELECT coalesce(n.id, l.id) AS id, n.distance, l.score FROM nearest n FULL JOIN lexical l ON l.id = n.id
) found ON true {_ROW}
"""  # noqa: S608 - only constants of this module are joined
# The way that was taken, for the next question of the same asker: ``open``, where all was visible and the graph was
# walked; ``shares``, where it takes less to walk the graphs that some audiences have of their own and to scan the rest;
# ``scan``, where what is visible was scanned; else nothing. The cost of a way is told in vectors that are scanned.
_ROWS = f"""
SELECT p.id, p.dimensions, p.graph_rows, WAY, NULL, NULL,
       c.id::text, c.title, array_to_string(c.heading_path, ' '), c.text, found.distance, 0
FROM place p LEFT JOIN nearest found ON true
{_ROW} ORDER BY found.distance
"""  # noqa: S608 - only constants of this module are joined
_SCANNED = "'scan'"
_TAKEN = """(
    SELECT CASE WHEN q.walk AND q.open THEN 'open'
        WHEN h.walks * %(exact_rows)s + q.visible - h.chunks < CASE WHEN q.walk
            THEN %(exact_rows)s * q.view / %(least)s ELSE q.visible END THEN 'shares ' || h.named
        WHEN NOT q.walk THEN 'scan' END
    FROM plan q CROSS JOIN LATERAL (
        SELECT count(*) AS walks, coalesce(sum(o.chunks), 0) AS chunks,
            string_agg(o.audience || ':' || o.chunks, ' ') AS named
        FROM (
            SELECT e.audience, sum(e.chunk_count) AS chunks FROM knowledge_searchindex i
            CROSS JOIN LATERAL unnest(i.graph_audiences) AS own(audience)
            JOIN knowledge_searchentry e ON e.audience = own.audience AND e.graphed
            WHERE i.id = q.id AND own.audience = ANY (q.mine) GROUP BY e.audience
        ) o
    ) h
)"""

# The quick ways for who was told which: a fraction of the plan, which is most of what a short search takes. They find
# nothing in another generation or at another length. A walk asks for no audience before: each row that it brings is
# asked for its own rights, so that where as many pass as were wanted nothing nearer is missing; where fewer do, the
# caller asks the whole statement. Settings are told before a walk begins, since all waits for them.
_QUICK = f"""
SELECT c.id::text, c.title, array_to_string(c.heading_path, ' '), c.text, found.distance, 0 FROM (FOUND) found
CROSS JOIN LATERAL (SELECT * FROM knowledge_chunk k WHERE k.id = found.id OFFSET 0) c
WHERE c.index_id = %(told)s AND c.enabled AND {_MAY_READ.format("c")} AND EXISTS (
    SELECT FROM knowledge_searchindex i
    WHERE i.collection_id = %(collection)s AND i.id = %(told)s AND i.dimensions = %(length)s
    AND (i.id = %(index)s OR (%(index)s::uuid IS NULL AND i.state = 'live'))
) AND (SELECT set_config('hnsw.iterative_scan', 'strict_order', true)
    || set_config('hnsw.ef_search', %(view)s, true)) <> ''
ORDER BY found.distance
"""  # noqa: S608 - only constants of this module are joined
_SCAN = f"""
    SELECT v.id, v.distance FROM (
        SELECT a.seat FROM knowledge_searchaudience a
        WHERE a.index_id = %(told)s AND {_MAY_READ.format("a")} AND NOT a.seat = ANY ('{{SEATS}}'::bigint[]) OFFSET 0
    ) a CROSS JOIN LATERAL (
        SELECT n.seat FROM knowledge_searchentry n WHERE n.audience = a.seat OFFSET 0
    ) e CROSS JOIN LATERAL (
        SELECT n.chunk_id AS id, n.embedding <#> %(vector)s AS distance FROM knowledge_vector n
        WHERE n.entry = e.seat OFFSET 0
    ) v
"""  # noqa: S608 - only constants of this module are joined
_YOUNG = """
    SELECT v.id, v.distance FROM (
        SELECT n.seat FROM knowledge_searchentry n WHERE n.index_id = %(told)s AND NOT n.graphed OFFSET 0
    ) e CROSS JOIN LATERAL (
        SELECT n.chunk_id AS id, n.embedding <#> %(vector)s AS distance FROM knowledge_vector n
        WHERE n.entry = e.seat OFFSET 0
    ) v
"""
_WALK = """
    SELECT g.chunk_id AS id, g.embedding <#> %(vector)s::halfvec(DIMENSIONS) AS distance FROM GRAPH g WHERE WHOSE
    ORDER BY g.embedding <#> %(vector)s::halfvec(DIMENSIONS) LIMIT %(k)s
"""

HYBRID_EXACT = f"WITH {_PLACE}, {_SEEN}, {_NEAREST_EXACT}, {_LEXICAL_EXACT} {_RESULT}"
HYBRID_GRAPH = f"WITH {_PLACE}, {_SEEN}, {_PLAN}, {_NEAREST_GRAPH}, {_LEXICAL_GRAPH} {_RESULT}"
VECTORS_EXACT = f"WITH {_PLACE}, {_SEEN}, {_NEAREST_EXACT} {_ROWS.replace('WAY', _SCANNED)}"
VECTORS_GRAPH = f"WITH {_PLACE}, {_SEEN}, {_PLAN}, {_NEAREST_GRAPH} {_ROWS.replace('WAY', _TAKEN)}"

# In how many visible chunks a name stands, letter by letter. Its own terms say where it can stand at all.
_NAMED = f"""
, places AS (
    SELECT packed FROM (WEIGHED) one_by_one GROUP BY packed HAVING count(*) = cardinality(%(terms)s::text[])
)
SELECT count(*) FROM places f CROSS JOIN LATERAL (
    SELECT v.chunk_id FROM knowledge_vector v
    WHERE v.entry = f.packed >> 32 AND v.place = ((f.packed >> 8) & 16777215)::int OFFSET 0
) n JOIN knowledge_chunk c ON c.id = n.chunk_id AND {_CHUNK_SCOPE}
AND strpos(lower(translate(c.title || c.text, E' \\n', '')), %(name)s) > 0
"""  # noqa: S608 - only constants of this module are joined
_EVERY = "weighed AS (SELECT DISTINCT term, 0 AS upto, 0 AS chunks, 0 AS idf FROM frequency)"
NAMED_EXACT = f"WITH {_PLACE}, {_SEEN}, {_HITS_EXACT}, {_EVERY} {_NAMED.replace('WEIGHED', _WEIGHED_EXACT)}"
NAMED_GRAPH = f"WITH {_PLACE}, {_HITS_GRAPH}, {_EVERY} {_NAMED.replace('WEIGHED', _WEIGHED_GRAPH)}"
VISIBLE = f"""
WITH {_PLACE} SELECT c.id FROM knowledge_chunk c WHERE c.id = ANY(%(ids)s::uuid[]) AND {_CHUNK_SCOPE}
"""  # noqa: S608 - only constants of this module are joined


def graph_name(index_id: UUID) -> str:
    """The table of a generation's graph; that of the lists beside it has ``_postings`` behind."""
    return f"knowledge_graph_{index_id.hex}"


@lru_cache(maxsize=1024)
def of_graph(statement: str, name: str, dimensions: int) -> str:
    """A statement that walks a graph, with the graph's table and the length of its vectors put in."""
    return statement.replace("GRAPH", name).replace("DIMENSIONS", str(dimensions))


@lru_cache(maxsize=1024)
def quick(way: str, seats: tuple[int, ...] = ()) -> str:
    """The statement of one quick way; ``seats`` are the audiences whose own graphs the way ``shares`` walks.

    An audience's number stands in the text, since the planner takes a partial index for a constant alone.
    """
    own = ",".join(str(int(seat)) for seat in seats)
    rest = [_SCAN.replace("SEATS", own)] if way != "open" else []
    walks = [_WALK.replace("WHOSE", f"g.audience = {int(seat)}") for seat in seats]
    if way == "open":
        walks = [_WALK.replace("WHOSE", "true"), _YOUNG]
    elif seats:
        walks.append(_YOUNG.replace("NOT n.graphed", f"NOT n.graphed AND n.audience IN ({own})"))
    united = " UNION ALL ".join(f"({part})" for part in walks + rest)
    nearest = "SELECT id, distance FROM (UNITED) every ORDER BY distance LIMIT %(k)s".replace("UNITED", united)
    return _QUICK.replace("FOUND", nearest)


def text_array(words: Iterable[str]) -> str:
    """A PostgreSQL array as text: psycopg's own, element by element, takes longer than cutting the words."""
    return "{" + ",".join(['"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"' for word in words]) + "}"
