-- Who looked: cameras and their runs. Small tables with integer keys, so that
-- the large ones below carry 4 bytes instead of names.
CREATE TABLE cameras (
    id   integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text    NOT NULL UNIQUE
);

-- A run is one opening of one source. Its row is made by whichever comes
-- first, a sighting of it or its own record; the record completes it.
CREATE TABLE runs (
    id           integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    camera_id    integer     NOT NULL REFERENCES cameras,
    run          text        NOT NULL,
    source_kind  text        NOT NULL,
    source       text,
    fingerprint  text,
    model        text        NOT NULL,
    model_sha256 text        NOT NULL,
    model_width  integer     NOT NULL,
    model_height integer     NOT NULL,
    provider     text        NOT NULL,
    started_at   timestamptz,
    finished_at  timestamptz,
    outcome      text,
    damage       text,
    frames       bigint,
    dropped      bigint,
    UNIQUE (camera_id, run)
);

-- What a run's model calls its classes.
CREATE TABLE classes (
    run_id   integer NOT NULL REFERENCES runs ON DELETE CASCADE,
    class_id integer NOT NULL,
    label    text    NOT NULL,
    PRIMARY KEY (run_id, class_id)
);

-- When a transaction of a sink was fetched from the log and acknowledged by
-- the database. Written after the commit it speaks of; a sink that is killed
-- in between leaves its last batch without a row.
CREATE TABLE batches (
    batch_id     bigint      PRIMARY KEY,
    fetched_at   timestamptz NOT NULL,
    committed_at timestamptz NOT NULL,
    records      integer     NOT NULL
);
CREATE SEQUENCE batch_ids;

-- One row a processed frame. No foreign keys: the sink makes camera and run
-- before it writes, and a check a row would cost more than the row.
CREATE TABLE sightings (
    captured_at    timestamptz NOT NULL,
    camera_id      integer     NOT NULL,
    run_id         integer     NOT NULL,
    seq            bigint      NOT NULL,
    pts_us         bigint      NOT NULL,
    grabbed_at     timestamptz,
    decoded_at     timestamptz,
    inferred_at    timestamptz,
    produced_at    timestamptz,
    batch_id       bigint      NOT NULL,
    dropped_before bigint      NOT NULL,
    width          integer     NOT NULL,
    height         integer     NOT NULL,
    people         smallint    NOT NULL, -- detections labelled person
    objects        smallint    NOT NULL, -- detections
    PRIMARY KEY (captured_at, camera_id, run_id, seq)
) PARTITION BY RANGE (captured_at);

-- "What did this camera see last?"
CREATE INDEX sightings_camera ON sightings (camera_id, captured_at);

-- One row a detection; the box in pixels of the source's frame.
CREATE TABLE detections (
    captured_at  timestamptz NOT NULL,
    camera_id    integer     NOT NULL,
    run_id       integer     NOT NULL,
    seq          bigint      NOT NULL,
    track_id     bigint,
    object_index smallint    NOT NULL,
    class_id     integer     NOT NULL,
    score        real        NOT NULL,
    x1           real        NOT NULL,
    y1           real        NOT NULL,
    x2           real        NOT NULL,
    y2           real        NOT NULL,
    PRIMARY KEY (captured_at, camera_id, run_id, seq, object_index)
) PARTITION BY RANGE (captured_at);

-- Timestamps without a day of their own.
CREATE TABLE sightings_default PARTITION OF sightings DEFAULT;
CREATE TABLE detections_default PARTITION OF detections DEFAULT;

-- How far the tables are against the log: the next offset to write, by ids
-- that outlive names. Updated in the transaction that writes the rows.
CREATE TABLE sink_offsets (
    cluster_id text    NOT NULL,
    topic_id   uuid    NOT NULL,
    partition  integer NOT NULL,
    topic      text    NOT NULL,
    next       bigint  NOT NULL,
    PRIMARY KEY (cluster_id, topic_id, partition)
) WITH (fillfactor = 20);

-- sightlog_advance moves partitions from the offsets the sink believes in to
-- the next ones. A row that is elsewhere means that another sink owns the
-- partition: SL001 ends the transaction. The order of the arrays is the order
-- of locking; callers sort them.
CREATE FUNCTION sightlog_advance(cluster text, topics uuid[], partitions integer[], expected bigint[], new_next bigint[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. cardinality(topics) LOOP
        UPDATE sink_offsets SET next = new_next[i]
        WHERE cluster_id = cluster AND topic_id = topics[i] AND partition = partitions[i] AND next = expected[i];
        IF NOT FOUND THEN
            RAISE EXCEPTION 'topic % partition % is not at offset %', topics[i], partitions[i], expected[i]
                USING ERRCODE = 'SL001';
        END IF;
    END LOOP;
END $$;

-- sightlog_ensure_day makes the partitions of a day (UTC) where they are
-- missing. It returns false where the default partition already holds rows of
-- that day: then they stay there. Made beside the table and then attached,
-- because that locks out nobody who reads or writes other days; only the
-- default partition is locked, and whoever reads it for long is not waited for
-- longer than lock_timeout, because everybody would queue behind us.
CREATE FUNCTION sightlog_ensure_day(day date) RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
    parent text;
    child  text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['sightings', 'detections'] LOOP
        child := parent || to_char(day, '_YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        PERFORM pg_advisory_xact_lock(7303014601517301107); -- one maker at a time
        -- Asked again, of the table: to_regclass answers from a cache.
        CONTINUE WHEN EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = parent::regclass AND c.relname = child);
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child, parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            parent, child, day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
    END LOOP;
    RETURN true;
EXCEPTION WHEN check_violation THEN
    RETURN false;
END $$;

-- For people: names instead of numbers.
CREATE VIEW v_sightings AS
SELECT s.captured_at, c.name AS camera, r.run, s.seq, s.people, s.objects,
       s.width, s.height, s.pts_us, s.dropped_before,
       s.grabbed_at, s.decoded_at, s.inferred_at, s.produced_at,
       b.fetched_at, b.committed_at, r.model
FROM sightings s
JOIN cameras c ON c.id = s.camera_id
JOIN runs r ON r.id = s.run_id
LEFT JOIN batches b ON b.batch_id = s.batch_id;

CREATE VIEW v_detections AS
SELECT d.captured_at, c.name AS camera, r.run, d.seq, d.object_index,
       l.label, d.class_id, d.score, d.x1, d.y1, d.x2, d.y2, d.track_id, r.model
FROM detections d
JOIN cameras c ON c.id = d.camera_id
JOIN runs r ON r.id = d.run_id
LEFT JOIN classes l ON l.run_id = d.run_id AND l.class_id = d.class_id;

---- create above / drop below ----

DROP VIEW v_detections, v_sightings;
DROP FUNCTION sightlog_ensure_day(date);
DROP FUNCTION sightlog_advance(text, uuid[], integer[], bigint[], bigint[]);
DROP TABLE sink_offsets, detections, sightings, batches, classes, runs, cameras;
DROP SEQUENCE batch_ids;
