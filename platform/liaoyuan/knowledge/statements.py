"""The SQL of the search. Every statement that finds a chunk holds the rights, the days and the generation itself.

Entries come first: rights and days are those of a version's chunks (``knowledge_searchentry``), so what an asker may
read is a handful of rows, and its vectors and postings are looked up entry by entry, however much lies beside them.
``LATERAL … OFFSET 0`` keeps the planner to that order whatever its statistics say; equality of bigint, uuid and text is
leakproof, so the indexes serve under row-level security.
"""

# Days and rights of an entry or a chunk, for the asker of now.
_MAY_READ = """
    ({0}.effective_from IS NULL OR {0}.effective_from <= %(day)s)
    AND ({0}.effective_to IS NULL OR {0}.effective_to > %(day)s)
    AND (%(everything)s OR {0}.groups = '{{}}' OR {0}.groups && %(groups)s::varchar[])
"""
# A second look at the row itself, before any word of it leaves the database.
_CHUNK_SCOPE = f"c.index_id = (SELECT p.id FROM place p) AND c.enabled AND {_MAY_READ.format('c')}"  # noqa: S608 - likewise

# The live generation unless one is named, and what of it the asker may read. A large generation has a graph; whether to
# walk it depends on that: below ``exact_rows``, and where so small a share is visible that a walk would have to look at
# more than ``reach`` neighbours, the scan of what is visible is faster, and exact. If it is to be walked, the statement
# finds nothing, says so, and the walk is asked for.
_PLACE = f"""
place AS MATERIALIZED (
    SELECT i.id, i.dimensions, g.visible, g.every,
           coalesce(g.visible > %(exact_rows)s AND g.visible * %(reach)s > g.every * %(k)s, false) AS walk
    FROM knowledge_searchindex i LEFT JOIN LATERAL (
        SELECT sum(e.chunk_count) FILTER (WHERE {_MAY_READ.format("e")})::float8 AS visible,
               sum(e.chunk_count)::float8 AS every
        FROM knowledge_searchentry e WHERE e.index_id = i.id AND to_regclass(knowledge_graph_name(i.id)) IS NOT NULL
    ) g ON true WHERE i.collection_id = %(collection)s
    AND (i.id = %(index)s OR (%(index)s::uuid IS NULL AND i.state = 'live'))
)
"""  # noqa: S608 - only constants of this module are joined
_PLACE_NAMED = """
place AS MATERIALIZED (
    SELECT i.id, i.dimensions, NULL::float8 AS visible, NULL::float8 AS every, false AS walk
    FROM knowledge_searchindex i WHERE i.collection_id = %(collection)s
    AND (i.id = %(index)s OR (%(index)s::uuid IS NULL AND i.state = 'live'))
)
"""
WALK_ON = "SELECT set_config('hnsw.iterative_scan', 'strict_order', true), set_config('hnsw.ef_search', %(ef)s, true)"

_SEEN = f"""
seen AS MATERIALIZED (
    SELECT e.seat, e.chunk_count, e.term_count, e.graphed FROM place p JOIN knowledge_searchentry e ON e.index_id = p.id
    WHERE NOT p.walk AND {_MAY_READ.format("e")}
)
"""  # noqa: S608 - only constants of this module are joined
_NEAREST_EXACT = """
nearest AS MATERIALIZED (
    SELECT v.chunk_id AS id, v.distance FROM place p CROSS JOIN seen s CROSS JOIN LATERAL (
        SELECT n.chunk_id, n.embedding <#> %(vector)s AS distance FROM knowledge_vector n
        WHERE n.entry = s.seat AND p.dimensions = %(length)s OFFSET 0
    ) v ORDER BY v.distance LIMIT %(k)s
)
"""
# The condition is a sub-query a row, no join: the walk through the graph keeps its order and stops as soon as k pass.
# Entries that are younger than the graph are scanned beside it.
_NEAREST_GRAPH = f"""
walked AS MATERIALIZED (
    SELECT g.chunk_id AS id, g.embedding <#> %(vector)s::halfvec(DIMENSIONS) AS distance FROM GRAPH g
    WHERE (SELECT true FROM knowledge_searchentry e WHERE e.seat = g.entry AND {_MAY_READ.format("e")})
    ORDER BY g.embedding <#> %(vector)s::halfvec(DIMENSIONS) LIMIT %(k)s
), nearest AS MATERIALIZED (
    SELECT id, distance FROM (
        SELECT id, distance FROM walked
        UNION ALL
        SELECT v.chunk_id, v.distance FROM place p JOIN knowledge_searchentry e ON e.index_id = p.id AND NOT e.graphed
        CROSS JOIN LATERAL (
            SELECT n.chunk_id, n.embedding <#> %(vector)s AS distance FROM knowledge_vector n
            WHERE n.entry = e.seat OFFSET 0
        ) v WHERE {_MAY_READ.format("e")}
    ) found ORDER BY distance LIMIT %(k)s
)
"""  # noqa: S608 - only constants of this module are joined
# Postings entry by entry where the asker may read few of them, else term by term: the fewer look-ups win.
_HITS = """
breadth AS MATERIALIZED (
    SELECT 5 * (SELECT count(*) FROM seen) < (
        SELECT count(*) FROM place p JOIN knowledge_searchentry e ON e.index_id = p.id
    ) AS few
), hits AS MATERIALIZED (
    SELECT p.entry, p.term, p.places, cardinality(p.places) AS count FROM seen s CROSS JOIN LATERAL (
        SELECT q.entry, q.term, q.places FROM knowledge_posting q
        WHERE q.entry = s.seat AND q.term = ANY(%(terms)s::text[]) OFFSET 0
    ) p WHERE (SELECT few FROM breadth)
    UNION ALL
    SELECT p.entry, p.term, p.places, cardinality(p.places)
    FROM unnest(%(terms)s::text[]) AS listed(term) CROSS JOIN LATERAL (
        SELECT q.entry, q.term, q.places FROM knowledge_posting q
        WHERE q.index_id = (SELECT p.id FROM place p) AND q.term = listed.term OFFSET 0
    ) p JOIN seen s ON s.seat = p.entry WHERE NOT (SELECT few FROM breadth)
)
"""
# BM25 with a term frequency of one and Lucene's one-byte lengths, over the rarest terms whose postings fit the budget;
# what the commoner ones add is looked up for the best of those alone. N, df and the mean length are of what the asker
# may read, no more.
_LEXICAL = """
size AS (
    SELECT coalesce(sum(chunk_count), 0)::float8 AS chunks,
           coalesce(sum(term_count)::float8 / nullif(sum(chunk_count), 0), 1) AS mean FROM seen
), frequency AS (
    SELECT term, sum(count)::float8 AS chunks FROM hits GROUP BY term
), weighed AS MATERIALIZED (
    SELECT f.term, f.chunks, ln(1 + (z.chunks - f.chunks + 0.5) / (f.chunks + 0.5)) AS idf,
           sum(f.chunks) OVER (ORDER BY f.chunks, f.term) AS upto FROM frequency f CROSS JOIN size z
), scored AS (
    SELECT h.entry, u.packed, sum(w.idf) AS idf FROM hits h JOIN weighed w ON w.term = h.term
    CROSS JOIN LATERAL unnest(h.places) AS u(packed)
    WHERE w.upto <= %(budget)s OR w.upto = w.chunks GROUP BY h.entry, u.packed
), first AS MATERIALIZED (
    SELECT s.entry, s.packed >> 8 AS place, s.idf, s.idf * p.norm AS score, p.norm FROM scored s CROSS JOIN size z
    CROSS JOIN LATERAL (
        SELECT 2.2 / (1 + 1.2 * (0.4 + 0.6 * (2 ^ ((s.packed & 255) / 16.0::float8) - 1) / z.mean)) AS norm OFFSET 0
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
"""
_ROW = f"""
LEFT JOIN LATERAL (SELECT * FROM knowledge_chunk k WHERE k.id = found.id OFFSET 0) c ON {_CHUNK_SCOPE}
"""  # noqa: S608 - only constants of this module are joined
_RESULT = f"""
SELECT p.id, p.dimensions, p.walk, p.visible, p.every,
       z.chunks, z.mean, (SELECT jsonb_object_agg(term, chunks) FROM frequency),
       c.id, c.title, c.heading_path, c.text,
       CASE WHEN p.dimensions = %(length)s THEN coalesce(found.distance, (c.embedding <=> %(vector)s) - 1) END,
       coalesce(found.score, 0)
FROM place p CROSS JOIN size z
LEFT JOIN (
    SELECT coalesce(n.id, l.id) AS id, n.distance, l.score FROM nearest n FULL JOIN lexical l ON l.id = n.id
) found ON true {_ROW}
"""  # noqa: S608 - only constants of this module are joined
_ROWS = f"""
SELECT p.id, p.dimensions, p.walk, p.visible, p.every, NULL, NULL, NULL,
       c.id, c.title, c.heading_path, c.text, found.distance, 0
FROM place p LEFT JOIN nearest found ON true
{_ROW} ORDER BY found.distance
"""  # noqa: S608 - only constants of this module are joined

HYBRID_EXACT = f"WITH {_PLACE}, {_SEEN}, {_NEAREST_EXACT}, {_HITS}, {_LEXICAL} {_RESULT}"
HYBRID_GRAPH = f"WITH {_PLACE_NAMED}, {_SEEN}, {_NEAREST_GRAPH}, {_HITS}, {_LEXICAL} {_RESULT}"
VECTORS_EXACT = f"WITH {_PLACE}, {_SEEN}, {_NEAREST_EXACT} {_ROWS}"
VECTORS_GRAPH = f"WITH {_PLACE_NAMED}, {_NEAREST_GRAPH} {_ROWS}"

# In how many visible chunks a name stands, letter by letter. Its own terms say where it can stand at all.
NAMED = f"""
WITH {_PLACE_NAMED}, {_SEEN}, places AS (
    SELECT p.entry, u.packed >> 8 AS place FROM seen s CROSS JOIN LATERAL (
        SELECT q.entry, q.term, q.places FROM knowledge_posting q
        WHERE q.entry = s.seat AND q.term = ANY(%(parts)s::text[]) OFFSET 0
    ) p CROSS JOIN LATERAL unnest(p.places) AS u(packed)
    GROUP BY p.entry, u.packed HAVING count(*) = cardinality(%(parts)s::text[])
)
SELECT count(*) FROM places f CROSS JOIN LATERAL (
    SELECT v.chunk_id FROM knowledge_vector v WHERE v.entry = f.entry AND v.place = f.place OFFSET 0
) n JOIN knowledge_chunk c ON c.id = n.chunk_id AND {_CHUNK_SCOPE}
AND strpos(lower(translate(c.title || c.text, E' \\n', '')), %(name)s) > 0
"""  # noqa: S608 - only constants of this module are joined
VISIBLE = f"""
WITH {_PLACE_NAMED} SELECT c.id FROM knowledge_chunk c WHERE c.id = ANY(%(ids)s::uuid[]) AND {_CHUNK_SCOPE}
"""  # noqa: S608 - only constants of this module are joined


def of_graph(statement: str, name: str, dimensions: int) -> str:
    """A statement that walks a graph, with the graph's table and the length of its vectors put in."""
    return statement.replace("GRAPH", name).replace("DIMENSIONS", str(dimensions))
