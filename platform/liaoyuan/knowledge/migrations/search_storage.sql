-- What a search reads instead of the wide rows of knowledge_chunk. Filled by triggers alone, so that whoever writes a
-- chunk, and however, cannot leave it findable by one way and hidden by another.

-- An entry: the enabled chunks of one version in one generation that share rights and days. Its number ties the two
-- narrow tables below to it.
ALTER TABLE knowledge_searchentry ADD COLUMN seat bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX knowledge_searchentry_seat ON knowledge_searchentry (seat);

-- One unit vector a chunk, inline in the row (PLAIN): nine of 384 dimensions a page, those of an entry side by side.
CREATE TABLE knowledge_vector (
    organization_id uuid NOT NULL,
    entry bigint NOT NULL,
    place int NOT NULL,
    chunk_id uuid NOT NULL,
    embedding halfvec STORAGE PLAIN NOT NULL
);
CREATE INDEX knowledge_vector_place ON knowledge_vector (entry, place);

-- The postings of one term in one entry: place << 8 | length class, as Lucene keeps its norms. Equality of text, uuid
-- and bigint is leakproof, so these indexes serve under row-level security, where no GIN index does.
CREATE TABLE knowledge_posting (
    organization_id uuid NOT NULL,
    index_id uuid NOT NULL,
    entry bigint NOT NULL,
    term text COLLATE "C" NOT NULL,
    places int[] NOT NULL
);
CREATE INDEX knowledge_posting_entry ON knowledge_posting (entry, term);
CREATE INDEX knowledge_posting_term ON knowledge_posting (index_id, term);

CREATE FUNCTION knowledge_graph_name(wanted uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT 'knowledge_graph_' || replace(wanted::text, '-', '') $$;

CREATE FUNCTION knowledge_length_class(terms int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT least(255, round(16 * ln((1 + terms)::float8) / ln(2::float8))::int) $$;

-- Build the entries of one version in one generation anew from its chunks.
CREATE FUNCTION knowledge_entries_build(wanted_index uuid, wanted_version uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    built record;
    graph text := knowledge_graph_name(wanted_index);
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
        IF to_regclass(graph) IS NOT NULL THEN
            EXECUTE format('INSERT INTO %I SELECT organization_id, entry, chunk_id, embedding FROM knowledge_vector '
                'WHERE entry = $1', graph) USING built.seat;
        END IF;
    END LOOP;
END $$;

-- Rights or days of a version's chunks changed: mostly of all of them alike, and then one row says so.
CREATE FUNCTION knowledge_entries_regroup(wanted_index uuid, wanted_version uuid) RETURNS void LANGUAGE plpgsql AS $$
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
    SET groups = c.groups, effective_from = c.effective_from, effective_to = c.effective_to
    FROM (SELECT groups, effective_from, effective_to FROM knowledge_chunk
          WHERE index_id = wanted_index AND version_id = wanted_version AND enabled LIMIT 1) c
    WHERE e.index_id = wanted_index AND e.version_id = wanted_version;
END $$;

CREATE FUNCTION knowledge_chunks_written() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pair record;
BEGIN
    FOR pair IN SELECT DISTINCT index_id, version_id FROM fresh LOOP
        PERFORM knowledge_entries_build(pair.index_id, pair.version_id);
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION knowledge_chunks_removed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pair record;
BEGIN
    FOR pair IN SELECT DISTINCT index_id, version_id FROM gone LOOP
        PERFORM knowledge_entries_build(pair.index_id, pair.version_id);
    END LOOP;
    RETURN NULL;
END $$;

CREATE FUNCTION knowledge_chunks_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    pair record;
BEGIN
    FOR pair IN
        SELECT moved.index_id, moved.version_id, bool_or(moved.anew) AS anew FROM (
            SELECT f.index_id, f.version_id, (g.index_id, g.version_id, g.ordinal, g.sub_ordinal, g.enabled)
                IS DISTINCT FROM (f.index_id, f.version_id, f.ordinal, f.sub_ordinal, f.enabled)
                OR f.terms IS DISTINCT FROM g.terms OR f.embedding IS DISTINCT FROM g.embedding AS anew,
                (g.groups, g.effective_from, g.effective_to)
                IS DISTINCT FROM (f.groups, f.effective_from, f.effective_to) AS regrouped
            FROM fresh f JOIN gone g ON g.id = f.id
            UNION ALL
            SELECT g.index_id, g.version_id, true, false FROM fresh f JOIN gone g ON g.id = f.id
            WHERE (f.index_id, f.version_id) IS DISTINCT FROM (g.index_id, g.version_id)) moved
        WHERE moved.anew OR moved.regrouped GROUP BY 1, 2
    LOOP
        IF pair.anew THEN
            PERFORM knowledge_entries_build(pair.index_id, pair.version_id);
        ELSE
            PERFORM knowledge_entries_regroup(pair.index_id, pair.version_id);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER search_written AFTER INSERT ON knowledge_chunk
REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION knowledge_chunks_written();
CREATE TRIGGER search_removed AFTER DELETE ON knowledge_chunk
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION knowledge_chunks_removed();
CREATE TRIGGER search_changed AFTER UPDATE ON knowledge_chunk
REFERENCING NEW TABLE AS fresh OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION knowledge_chunks_changed();

CREATE FUNCTION knowledge_entries_removed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_entry record;
    graph text;
BEGIN
    FOR old_entry IN SELECT seat, index_id FROM gone LOOP
        DELETE FROM knowledge_vector WHERE entry = old_entry.seat;
        DELETE FROM knowledge_posting WHERE entry = old_entry.seat;
        graph := knowledge_graph_name(old_entry.index_id);
        IF to_regclass(graph) IS NOT NULL THEN
            EXECUTE format('DELETE FROM %I WHERE entry = $1', graph) USING old_entry.seat;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER search_removed AFTER DELETE ON knowledge_searchentry
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION knowledge_entries_removed();

-- A large generation gets a table of its own with an HNSW graph over its vectors alone: a graph that tenants share
-- would walk through the others' rows, and building it inside a shared table would hold up their writers. The
-- application role owns nothing, so the three statements that need an owner are these functions and no others; they
-- touch no row, and the application fills the table itself, under its own policy.
CREATE FUNCTION knowledge_graph_make(wanted uuid, dimensions int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    graph text := knowledge_graph_name(wanted);
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

CREATE FUNCTION knowledge_graph_index(wanted uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    graph text := knowledge_graph_name(wanted);
BEGIN
    EXECUTE format('CREATE INDEX %I ON %I USING hnsw (embedding halfvec_ip_ops) WITH (m = 16, ef_construction = 64)',
        graph || '_nearest', graph);
    EXECUTE format('CREATE INDEX %I ON %I (entry)', graph || '_entry', graph);
    EXECUTE format('ANALYZE %I', graph);
END $$;

CREATE FUNCTION knowledge_graph_drop() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF to_regclass(knowledge_graph_name(OLD.id)) IS NOT NULL THEN
        EXECUTE format('DROP TABLE %I', knowledge_graph_name(OLD.id));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER graph_drop AFTER DELETE ON knowledge_searchindex
FOR EACH ROW EXECUTE FUNCTION knowledge_graph_drop();

REVOKE EXECUTE ON FUNCTION knowledge_graph_make(uuid, int), knowledge_graph_index(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION knowledge_graph_make(uuid, int), knowledge_graph_index(uuid) TO liaoyuan_app;
