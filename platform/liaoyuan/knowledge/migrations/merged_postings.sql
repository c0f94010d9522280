-- Words are kept in two forms, each where it costs least: an entry's own, in a row or two from the moment it is written;
-- and beside a generation's graph one list a term and audience over all entries, made in one go with the graph.
LOCK TABLE knowledge_searchentry IN SHARE MODE;

-- Which words stand where in an entry, some chunks a row: a word's position is the chunk's place less ``before``; that
-- byte of ``classes`` is the chunk's length class. Not compressed: a search reads them whole.
CREATE TABLE knowledge_words (
    organization_id uuid NOT NULL,
    entry bigint NOT NULL,
    before int NOT NULL,
    words tsvector STORAGE EXTERNAL NOT NULL,
    classes bytea NOT NULL
);
-- Entries whose postings stand in the lists and count no more: they are gone, or have other readers.
CREATE TABLE knowledge_stale (
    organization_id uuid NOT NULL,
    index_id uuid NOT NULL REFERENCES knowledge_searchindex (id) ON DELETE CASCADE,
    entry bigint NOT NULL,
    chunk_count int NOT NULL
);

-- At most 128 chunks a row and, but for its last one, 200,000 bytes: a tsvector takes 1 MB, and 255 positions a word.
-- No word holds a blank, so that a quote before one ends a word in the text of a tsvector and nothing else does.
CREATE FUNCTION knowledge_words_write(tenant uuid, seat bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO knowledge_words (organization_id, entry, before, words, classes)
    SELECT tenant, seat, min(place) - 1,
        string_agg(replace(said || ' ', ''' ', ''':' || place - first + 1 || ' '), '' ORDER BY place)::tsvector,
        string_agg(set_byte('\x00', 0, class), '' ORDER BY place)
    FROM (
        SELECT *, min(place) OVER (PARTITION BY part) AS first FROM (
            SELECT v.place, c.terms::text AS said, knowledge_length_class(c.term_count) AS class,
                ((v.place - 1) / 128)::bigint << 32
                    | sum(octet_length(c.terms::text)) OVER (ORDER BY v.place) / 200000 AS part
            FROM knowledge_vector v JOIN knowledge_chunk c ON c.id = v.chunk_id WHERE v.entry = seat
        ) sized
    ) parted GROUP BY part ORDER BY 3
$$;

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
        PERFORM knowledge_words_write(built.organization_id, new_seat);
    END LOOP;
END $$;

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
    SELECT organization_id, seat, audience, graphed, merged, chunk_count INTO moved FROM knowledge_searchentry
    WHERE index_id = wanted_index AND version_id = wanted_version;
    IF moved.audience = readers THEN
        RETURN;
    END IF;
    SELECT moved.graphed AND graph_audiences && ARRAY[moved.audience, readers] INTO walked
    FROM knowledge_searchindex WHERE id = wanted_index;
    IF walked THEN
        EXECUTE format('DELETE FROM %I WHERE entry = $1', knowledge_graph_name(wanted_index)) USING moved.seat;
    END IF;
    -- A list is of one audience: from now on the entry's own words count.
    IF moved.merged THEN
        INSERT INTO knowledge_stale (organization_id, index_id, entry, chunk_count)
        VALUES (moved.organization_id, wanted_index, moved.seat, moved.chunk_count);
    END IF;
    UPDATE knowledge_searchentry SET audience = readers, graphed = graphed AND NOT walked, merged = false
    WHERE seat = moved.seat;
END $$;

CREATE OR REPLACE FUNCTION knowledge_entries_removed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_entry record;
    graph text;
BEGIN
    FOR old_entry IN SELECT organization_id, seat, index_id, merged, chunk_count FROM gone LOOP
        DELETE FROM knowledge_vector WHERE entry = old_entry.seat;
        DELETE FROM knowledge_words WHERE entry = old_entry.seat;
        graph := knowledge_graph_name(old_entry.index_id);
        IF to_regclass(graph) IS NOT NULL THEN
            EXECUTE format('DELETE FROM %I WHERE entry = $1', graph) USING old_entry.seat;
        END IF;
        IF old_entry.merged THEN
            INSERT INTO knowledge_stale (organization_id, index_id, entry, chunk_count)
            VALUES (old_entry.organization_id, old_entry.index_id, old_entry.seat, old_entry.chunk_count);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- The tables of one generation lie under the same policy as every tenant's table.
CREATE FUNCTION knowledge_graph_table(name text, columns text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    own text := 'organization_id = (SELECT nullif(current_setting(''app.organization'', true), '''')::uuid)';
BEGIN
    EXECUTE format('CREATE TABLE %I (organization_id uuid NOT NULL, %s)', name, columns);
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %I TO liaoyuan_app USING (%s) WITH CHECK (%s)', name, own, own);
END $$;
REVOKE EXECUTE ON FUNCTION knowledge_graph_table(text, text) FROM PUBLIC;

-- The lists' places are entry << 32 | place << 8 | length class, the last as Lucene keeps its norms. Equality of text
-- and bigint is leakproof, so that their index serves under row-level security, where no GIN index does.
CREATE FUNCTION knowledge_postings_columns() RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT 'audience bigint NOT NULL, term text COLLATE "C" NOT NULL, places bigint[] NOT NULL'
$$;

CREATE OR REPLACE FUNCTION knowledge_graph_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    graph text := knowledge_graph_name(NEW.id);
    kind text;
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
        PERFORM knowledge_graph_table(graph || '_next', format('audience bigint NOT NULL, entry bigint NOT NULL, '
            'chunk_id uuid NOT NULL, embedding halfvec(%s) STORAGE PLAIN NOT NULL', NEW.dimensions));
        PERFORM knowledge_graph_table(graph || '_postings_next', knowledge_postings_columns());
        EXECUTE format('ALTER TABLE %I ALTER COLUMN places SET STORAGE EXTERNAL', graph || '_postings_next');
    ELSIF NEW.graph_step = 'index' THEN
        EXECUTE format('CREATE INDEX ON %I USING hnsw (embedding halfvec_ip_ops) WITH (m = 16, ef_construction = 100)',
            graph || '_next');
        FOREACH readers IN ARRAY NEW.graph_audiences LOOP
            EXECUTE format('CREATE INDEX ON %I USING hnsw (embedding halfvec_ip_ops) '
                'WITH (m = 16, ef_construction = 100) WHERE audience = %s', graph || '_next', readers);
        END LOOP;
        EXECUTE format('CREATE INDEX ON %I (entry)', graph || '_next');
        EXECUTE format('CREATE INDEX ON %I (term, audience)', graph || '_postings_next');
        -- Only now do the new ones take the old ones' places: a moment's lock, not the minute of the build.
        FOREACH kind IN ARRAY ARRAY['', '_postings'] LOOP
            EXECUTE format('ANALYZE %I', graph || kind || '_next');
            EXECUTE format('DROP TABLE IF EXISTS %I', graph || kind);
            EXECUTE format('ALTER TABLE %I RENAME TO %I', graph || kind || '_next', graph || kind);
        END LOOP;
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION knowledge_graph_drop() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['', '_postings'] LOOP
        IF to_regclass(knowledge_graph_name(OLD.id) || kind) IS NOT NULL THEN
            EXECUTE format('TRUNCATE %I', knowledge_graph_name(OLD.id) || kind);
            EXECUTE format('COMMENT ON TABLE %I IS %L', knowledge_graph_name(OLD.id) || kind,
                'gone ' || extract(epoch FROM now())::bigint);
        END IF;
    END LOOP;
    PERFORM knowledge_graphs_sweep();
    RETURN NULL;
END $$;

-- What stands: every entry gets its words, and a graph gets lists without a word until the next build.
SELECT knowledge_words_write(organization_id, seat) FROM knowledge_searchentry ORDER BY seat;
CREATE INDEX knowledge_words_entry ON knowledge_words (entry);
CREATE INDEX knowledge_stale_index ON knowledge_stale (index_id);
CREATE INDEX knowledge_searchentry_unmerged ON knowledge_searchentry (index_id) WHERE NOT merged;
ANALYZE knowledge_words;
DO $$
DECLARE
    graph text;
BEGIN
    FOR graph IN SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^knowledge_graph_[0-9a-f]{32}$' LOOP
        PERFORM knowledge_graph_table(graph || '_postings', knowledge_postings_columns());
        EXECUTE format('CREATE INDEX ON %I (term, audience)', graph || '_postings');
    END LOOP;
END $$;
DROP TABLE knowledge_posting;
