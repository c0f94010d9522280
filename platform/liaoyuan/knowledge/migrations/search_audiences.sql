-- Rights and days once for all entries that share them: what an asker may read is a handful of audiences, however many
-- documents there are. Its number ties the entries to it.
ALTER TABLE knowledge_searchaudience ADD COLUMN seat bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX knowledge_searchaudience_seat ON knowledge_searchaudience (seat);
ALTER TABLE knowledge_searchentry ADD COLUMN audience bigint;

-- No unique constraint: two writers at once make two rows that say the same, which costs nothing, and neither waits.
CREATE FUNCTION knowledge_audience(tenant uuid, wanted_index uuid, readers varchar[], first_day date, last_day date)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    found bigint;
BEGIN
    SELECT seat INTO found FROM knowledge_searchaudience
    WHERE index_id = wanted_index AND groups = readers AND effective_from IS NOT DISTINCT FROM first_day
        AND effective_to IS NOT DISTINCT FROM last_day ORDER BY seat LIMIT 1;
    IF found IS NULL THEN
        INSERT INTO knowledge_searchaudience (id, organization_id, created_at, index_id, groups, effective_from,
            effective_to)
        VALUES (gen_random_uuid(), tenant, now(), wanted_index, readers, first_day, last_day)
        RETURNING seat INTO found;
    END IF;
    RETURN found;
END $$;

CREATE OR REPLACE FUNCTION knowledge_entries_build(wanted_index uuid, wanted_version uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    built record;
    new_seat bigint;
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
        INSERT INTO knowledge_searchentry (id, organization_id, created_at, index_id, version_id, audience, chunk_count,
            term_count)
        VALUES (gen_random_uuid(), built.organization_id, now(), wanted_index, wanted_version,
            knowledge_audience(built.organization_id, wanted_index, built.groups, built.effective_from,
                built.effective_to), built.chunks, built.terms)
        RETURNING seat INTO new_seat;
        -- A vector that is of unit length already is kept to the last bit: rounding it twice costs recall.
        INSERT INTO knowledge_vector (organization_id, entry, place, chunk_id, embedding)
        SELECT organization_id, new_seat, row_number() OVER (ORDER BY ordinal, sub_ordinal, id), id,
            CASE WHEN abs(l2_norm(embedding) - 1) < 0.001 THEN embedding ELSE l2_normalize(embedding) END
        FROM knowledge_chunk c WHERE index_id = wanted_index AND version_id = wanted_version AND enabled
            AND groups = built.groups AND effective_from IS NOT DISTINCT FROM built.effective_from
            AND effective_to IS NOT DISTINCT FROM built.effective_to;
        INSERT INTO knowledge_posting (organization_id, index_id, entry, term, places)
        SELECT built.organization_id, wanted_index, new_seat, listed.term,
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
END $$;

-- The graph's table is made, indexed and dropped by triggers on the generation's own row, which run as the owner and
-- cannot be called: whoever may not write that row, another tenant above all, gets nothing made or replaced.
CREATE FUNCTION knowledge_graph_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    graph text := knowledge_graph_name(NEW.id);
    own text := 'organization_id = (SELECT nullif(current_setting(''app.organization'', true), '''')::uuid)';
BEGIN
    IF NEW.organization_id IS DISTINCT FROM nullif(current_setting('app.organization', true), '')::uuid THEN
        RAISE EXCEPTION 'the index is of another tenant';
    END IF;
    IF NEW.graph_step = 'make' THEN
        PERFORM knowledge_graphs_sweep();
        EXECUTE format('CREATE TABLE %I (organization_id uuid NOT NULL, entry bigint NOT NULL, chunk_id uuid NOT NULL, '
            'embedding halfvec(%s) STORAGE PLAIN NOT NULL)', graph || '_next', NEW.dimensions);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', graph || '_next');
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', graph || '_next');
        EXECUTE format('CREATE POLICY tenant ON %I TO liaoyuan_app USING (%s) WITH CHECK (%s)', graph || '_next',
            own, own);
    ELSIF NEW.graph_step = 'index' THEN
        -- Only now does the new graph take the old one's place: a moment's lock, not the minute of the build.
        EXECUTE format('CREATE INDEX ON %I USING hnsw (embedding halfvec_ip_ops) WITH (m = 16, ef_construction = 100)',
            graph || '_next');
        EXECUTE format('CREATE INDEX ON %I (entry)', graph || '_next');
        EXECUTE format('ANALYZE %I', graph || '_next');
        EXECUTE format('DROP TABLE IF EXISTS %I', graph);
        EXECUTE format('ALTER TABLE %I RENAME TO %I', graph || '_next', graph);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER graph_step AFTER UPDATE OF graph_step ON knowledge_searchindex
FOR EACH ROW WHEN (OLD.graph_step IS DISTINCT FROM NEW.graph_step) EXECUTE FUNCTION knowledge_graph_step();

-- A dropped generation's rows go at once; the empty table stays for an hour, so that a search that was told of the
-- graph a moment ago reads nothing instead of failing.
CREATE OR REPLACE FUNCTION knowledge_graph_drop() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    graph text := knowledge_graph_name(OLD.id);
BEGIN
    IF to_regclass(graph) IS NOT NULL THEN
        EXECUTE format('TRUNCATE %I', graph);
        EXECUTE format('COMMENT ON TABLE %I IS %L', graph, 'gone ' || extract(epoch FROM now())::bigint);
    END IF;
    PERFORM knowledge_graphs_sweep();
    RETURN NULL;
END $$;

CREATE FUNCTION knowledge_graphs_sweep() RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    gone record;
BEGIN
    FOR gone IN
        SELECT c.relname FROM pg_class c JOIN pg_description d ON d.objoid = c.oid AND d.objsubid = 0
            AND d.classoid = 'pg_class'::regclass
        WHERE c.relname LIKE 'knowledge\_graph\_%' AND d.description LIKE 'gone %'
            AND substr(d.description, 6)::bigint < extract(epoch FROM now()) - 3600
    LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', gone.relname);
    END LOOP;
END $$;

DROP FUNCTION knowledge_graph_make(uuid, int), knowledge_graph_index(uuid);
REVOKE EXECUTE ON FUNCTION knowledge_graphs_sweep() FROM PUBLIC;
