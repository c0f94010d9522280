-- An audience that may read a large part of a generation, yet not most of it, gets a graph of its own over its rows: a
-- walk through the common graph would meet mostly what its readers may not see. It is a partial index of the same table.
CREATE OR REPLACE FUNCTION knowledge_graph_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    graph text := knowledge_graph_name(NEW.id);
    own text := 'organization_id = (SELECT nullif(current_setting(''app.organization'', true), '''')::uuid)';
    readers bigint;
BEGIN
    IF NEW.organization_id IS DISTINCT FROM nullif(current_setting('app.organization', true), '')::uuid THEN
        RAISE EXCEPTION 'the index is of another tenant';
    END IF;
    IF cardinality(NEW.graph_audiences) > 64 THEN
        RAISE EXCEPTION 'too many graphs';
    END IF;
    IF NEW.graph_step = 'make' THEN
        PERFORM knowledge_graphs_sweep();
        EXECUTE format('CREATE TABLE %I (organization_id uuid NOT NULL, audience bigint NOT NULL, entry bigint NOT NULL, '
            'chunk_id uuid NOT NULL, embedding halfvec(%s) STORAGE PLAIN NOT NULL)', graph || '_next', NEW.dimensions);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', graph || '_next');
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', graph || '_next');
        EXECUTE format('CREATE POLICY tenant ON %I TO liaoyuan_app USING (%s) WITH CHECK (%s)', graph || '_next',
            own, own);
    ELSIF NEW.graph_step = 'index' THEN
        -- Only now does the new graph take the old one's place: a moment's lock, not the minute of the build.
        EXECUTE format('CREATE INDEX ON %I USING hnsw (embedding halfvec_ip_ops) WITH (m = 16, ef_construction = 100)',
            graph || '_next');
        FOREACH readers IN ARRAY NEW.graph_audiences LOOP
            EXECUTE format('CREATE INDEX ON %I USING hnsw (embedding halfvec_ip_ops) '
                'WITH (m = 16, ef_construction = 100) WHERE audience = %s', graph || '_next', readers);
        END LOOP;
        EXECUTE format('CREATE INDEX ON %I (entry)', graph || '_next');
        EXECUTE format('ANALYZE %I', graph || '_next');
        EXECUTE format('DROP TABLE IF EXISTS %I', graph);
        EXECUTE format('ALTER TABLE %I RENAME TO %I', graph || '_next', graph);
    END IF;
    RETURN NULL;
END $$;

-- A row of a graph says its audience. A version that enters or leaves one that has a graph of its own is scanned beside
-- the graph from then on, until the next one is built; no other row of a graph is ever asked for its audience.
CREATE OR REPLACE FUNCTION knowledge_entries_regroup(wanted_index uuid, wanted_version uuid) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    kinds bigint;
    entries bigint;
    moved record;
    readers bigint;
    walked boolean;
BEGIN
    -- A graph under construction waits for us or we for it: it must not be built over audiences that changed meanwhile.
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(wanted_index::text, 1));
    -- Before the look for an audience: what nobody uses is removed behind the same lock.
    LOCK TABLE knowledge_searchentry IN ROW EXCLUSIVE MODE;
    SELECT count(*) INTO kinds FROM (
        SELECT DISTINCT groups, effective_from, effective_to FROM knowledge_chunk
        WHERE index_id = wanted_index AND version_id = wanted_version AND enabled) found;
    SELECT count(*) INTO entries FROM knowledge_searchentry
    WHERE index_id = wanted_index AND version_id = wanted_version;
    IF kinds <> 1 OR entries <> 1 THEN
        PERFORM knowledge_entries_build(wanted_index, wanted_version);
        RETURN;
    END IF;
    SELECT knowledge_audience(organization_id, wanted_index, groups, effective_from, effective_to) INTO readers
    FROM (SELECT organization_id, groups, effective_from, effective_to FROM knowledge_chunk
          WHERE index_id = wanted_index AND version_id = wanted_version AND enabled LIMIT 1) c;
    SELECT seat, audience, graphed INTO moved FROM knowledge_searchentry
    WHERE index_id = wanted_index AND version_id = wanted_version;
    SELECT moved.graphed AND graph_audiences && ARRAY[moved.audience, readers] INTO walked
    FROM knowledge_searchindex WHERE id = wanted_index;
    IF walked THEN
        EXECUTE format('DELETE FROM %I WHERE entry = $1', knowledge_graph_name(wanted_index)) USING moved.seat;
    END IF;
    UPDATE knowledge_searchentry SET audience = readers, graphed = graphed AND NOT walked WHERE seat = moved.seat;
    UPDATE knowledge_posting SET audience = readers WHERE entry = moved.seat AND audience <> readers;
END $$;
