-- As before, and lighter: a chunk's length class is worked out once and not once a word, and postings are written in
-- the order of their index.
CREATE OR REPLACE FUNCTION knowledge_entries_build(wanted_index uuid, wanted_version uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    built record;
    new_seat bigint;
    readers bigint;
BEGIN
    -- A graph under construction waits for us or we for it; the same version is built by one transaction at a time.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(wanted_index::text, 1));
    PERFORM pg_advisory_xact_lock(hashtextextended(wanted_index::text || wanted_version::text, 2));
    DELETE FROM knowledge_searchentry WHERE index_id = wanted_index AND version_id = wanted_version;
    FOR built IN
        SELECT organization_id, groups, effective_from, effective_to, count(*) AS chunks, sum(term_count) AS terms
        FROM knowledge_chunk WHERE index_id = wanted_index AND version_id = wanted_version AND enabled
        GROUP BY organization_id, groups, effective_from, effective_to
    LOOP
        readers := knowledge_audience(built.organization_id, wanted_index, built.groups, built.effective_from,
            built.effective_to);
        INSERT INTO knowledge_searchentry (id, organization_id, created_at, index_id, version_id, audience, chunk_count,
            term_count)
        VALUES (gen_random_uuid(), built.organization_id, now(), wanted_index, wanted_version, readers, built.chunks,
            built.terms)
        RETURNING seat INTO new_seat;
        -- A vector that is of unit length already is kept to the last bit: rounding it twice costs recall.
        INSERT INTO knowledge_vector (organization_id, entry, place, chunk_id, embedding)
        SELECT organization_id, new_seat, row_number() OVER (ORDER BY ordinal, sub_ordinal, id), id,
            CASE WHEN abs(l2_norm(embedding) - 1) < 0.001 THEN embedding ELSE l2_normalize(embedding) END
        FROM knowledge_chunk c WHERE index_id = wanted_index AND version_id = wanted_version AND enabled
            AND groups = built.groups AND effective_from IS NOT DISTINCT FROM built.effective_from
            AND effective_to IS NOT DISTINCT FROM built.effective_to;
        INSERT INTO knowledge_posting (organization_id, audience, entry, term, places)
        SELECT built.organization_id, readers, new_seat, listed.term COLLATE "C" AS term, array_agg(c.packed)
        FROM (
            SELECT v.place << 8 | knowledge_length_class(c.term_count) AS packed, c.terms
            FROM knowledge_vector v JOIN knowledge_chunk c ON c.id = v.chunk_id WHERE v.entry = new_seat
            ORDER BY v.place OFFSET 0
        ) c CROSS JOIN LATERAL unnest(tsvector_to_array(c.terms)) listed(term)
        GROUP BY listed.term COLLATE "C" ORDER BY listed.term COLLATE "C";
    END LOOP;
END $$;
