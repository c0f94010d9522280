-- Chunks younger than a generation's graph are scanned beside it: writing a chunk never waits for the graph, which is
-- built anew, in one go and beside the old one, when a quarter stands outside.
CREATE OR REPLACE FUNCTION knowledge_entries_build(wanted_index uuid, wanted_version uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    built record;
BEGIN
    -- A graph under construction waits for us or we for it; the same version is built by one transaction at a time.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(wanted_index::text, 1));
    PERFORM pg_advisory_xact_lock(hashtextextended(wanted_index::text || wanted_version::text, 2));
    DELETE FROM knowledge_searchentry WHERE index_id = wanted_index AND version_id = wanted_version;
    FOR built IN
        INSERT INTO knowledge_searchentry (id, organization_id, created_at, index_id, version_id, groups, effective_from,
            effective_to, chunk_count, term_count)
        SELECT gen_random_uuid(), organization_id, now(), index_id, version_id, groups, effective_from, effective_to,
            count(*), sum(term_count)
        FROM knowledge_chunk WHERE index_id = wanted_index AND version_id = wanted_version AND enabled
        GROUP BY organization_id, index_id, version_id, groups, effective_from, effective_to
        RETURNING seat, groups, effective_from, effective_to
    LOOP
        INSERT INTO knowledge_vector (organization_id, entry, place, chunk_id, embedding)
        SELECT organization_id, built.seat, row_number() OVER (ORDER BY ordinal, sub_ordinal, id), id,
            l2_normalize(embedding)
        FROM knowledge_chunk c WHERE index_id = wanted_index AND version_id = wanted_version AND enabled
            AND groups = built.groups AND effective_from IS NOT DISTINCT FROM built.effective_from
            AND effective_to IS NOT DISTINCT FROM built.effective_to;
        INSERT INTO knowledge_posting (organization_id, index_id, entry, term, places)
        SELECT v.organization_id, wanted_index, built.seat, listed.term,
            array_agg(v.place << 8 | knowledge_length_class(c.term_count))
        FROM knowledge_vector v JOIN knowledge_chunk c ON c.id = v.chunk_id
        CROSS JOIN LATERAL unnest(tsvector_to_array(c.terms)) listed(term)
        WHERE v.entry = built.seat GROUP BY v.organization_id, listed.term;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION knowledge_graph_make(wanted uuid, dimensions int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    graph text := knowledge_graph_name(wanted) || '_next';
BEGIN
    IF nullif(current_setting('app.organization', true), '') IS NULL THEN
        RAISE EXCEPTION 'no tenant context';
    END IF;
    EXECUTE format('CREATE TABLE %I (organization_id uuid NOT NULL, entry bigint NOT NULL, chunk_id uuid NOT NULL, '
        'embedding halfvec(%s) STORAGE PLAIN NOT NULL)', graph, dimensions);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', graph);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', graph);
    EXECUTE format('CREATE POLICY tenant ON %I TO liaoyuan_app USING (%s) WITH CHECK (%s)', graph,
        'organization_id = (SELECT nullif(current_setting(''app.organization'', true), '''')::uuid)',
        'organization_id = (SELECT nullif(current_setting(''app.organization'', true), '''')::uuid)');
END $$;

-- Only now does the new graph take the old one's place: a moment's lock, not the minute of the build.
CREATE OR REPLACE FUNCTION knowledge_graph_index(wanted uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    graph text := knowledge_graph_name(wanted);
BEGIN
    EXECUTE format('CREATE INDEX ON %I USING hnsw (embedding halfvec_ip_ops) WITH (m = 16, ef_construction = 64)',
        graph || '_next');
    EXECUTE format('CREATE INDEX ON %I (entry)', graph || '_next');
    EXECUTE format('ANALYZE %I', graph || '_next');
    EXECUTE format('DROP TABLE IF EXISTS %I', graph);
    EXECUTE format('ALTER TABLE %I RENAME TO %I', graph || '_next', graph);
END $$;
