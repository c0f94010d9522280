-- A posting names its audience: one index over (term, audience) serves whoever may read little and whoever may read
-- all, where there were two, and the wider of them as large as the postings. Built beside the old table: searches go
-- on reading that one, writers wait.
LOCK TABLE knowledge_posting IN SHARE MODE;
CREATE TABLE knowledge_posting_next (
    organization_id uuid NOT NULL,
    audience bigint NOT NULL,
    entry bigint NOT NULL,
    term text COLLATE "C" NOT NULL,
    places int[] NOT NULL
);
INSERT INTO knowledge_posting_next
SELECT p.organization_id, e.audience, p.entry, p.term, p.places
FROM knowledge_posting p JOIN knowledge_searchentry e ON e.seat = p.entry ORDER BY p.entry, p.term;
-- The second finds an entry's rows when it is built anew: its keys only ever grow, so writing it costs next to nothing.
CREATE INDEX knowledge_posting_next_term ON knowledge_posting_next (term, audience);
CREATE INDEX knowledge_posting_next_entry ON knowledge_posting_next (entry);
ANALYZE knowledge_posting_next;

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
        SELECT built.organization_id, readers, new_seat, listed.term,
            array_agg(v.place << 8 | knowledge_length_class(c.term_count))
        FROM knowledge_vector v JOIN knowledge_chunk c ON c.id = v.chunk_id
        CROSS JOIN LATERAL unnest(tsvector_to_array(c.terms)) listed(term)
        WHERE v.entry = new_seat GROUP BY listed.term;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION knowledge_entries_regroup(wanted_index uuid, wanted_version uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    kinds bigint;
    entries bigint;
BEGIN
    SELECT count(*) INTO kinds FROM (
        SELECT DISTINCT groups, effective_from, effective_to FROM knowledge_chunk
        WHERE index_id = wanted_index AND version_id = wanted_version AND enabled) found;
    SELECT count(*) INTO entries FROM knowledge_searchentry
    WHERE index_id = wanted_index AND version_id = wanted_version;
    IF kinds <> 1 OR entries <> 1 THEN
        PERFORM knowledge_entries_build(wanted_index, wanted_version);
        RETURN;
    END IF;
    UPDATE knowledge_searchentry e
    SET audience = knowledge_audience(c.organization_id, wanted_index, c.groups, c.effective_from, c.effective_to)
    FROM (SELECT organization_id, groups, effective_from, effective_to FROM knowledge_chunk
          WHERE index_id = wanted_index AND version_id = wanted_version AND enabled LIMIT 1) c
    WHERE e.index_id = wanted_index AND e.version_id = wanted_version;
    UPDATE knowledge_posting p SET audience = e.audience FROM knowledge_searchentry e
    WHERE e.index_id = wanted_index AND e.version_id = wanted_version AND p.entry = e.seat
        AND p.audience <> e.audience;
END $$;

DROP TABLE knowledge_posting;
ALTER TABLE knowledge_posting_next RENAME TO knowledge_posting;
ALTER INDEX knowledge_posting_next_term RENAME TO knowledge_posting_term;
ALTER INDEX knowledge_posting_next_entry RENAME TO knowledge_posting_entry;
DROP POLICY carrying ON knowledge_searchentry;
