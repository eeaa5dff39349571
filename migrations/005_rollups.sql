-- A sighting holds its detections as arrays, and the tables of totals hold what most
-- questions ask for: a detection takes a third of the space, and a year is read as
-- fast as an hour. Sinks of earlier releases cannot write these tables: without
-- sightlog_advance their transactions fail, and they lose nothing.

DROP FUNCTION sightlog_advance(text, uuid[], integer[], bigint[], bigint[]);
DROP FUNCTION sightlog_advance(text, uuid[], integer[], bigint[], bigint[], integer[], bytea[]);

-- sightlog_advance_offsets moves partitions from the offsets the sink believes in to
-- the next ones. SL001 ends the transaction where a row has another offset, because
-- another sink owns the partition, or belongs to another table than the sink has read
-- (tables has its tableoid), because the tables were exchanged. The order of the arrays
-- is the order of locking; callers sort them.
CREATE FUNCTION sightlog_advance_offsets(cluster text, topics uuid[], partitions integer[], expected bigint[], new_next bigint[],
                                         epochs integer[], digests bytea[], tables oid[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. cardinality(topics) LOOP
        UPDATE sink_offsets SET next = new_next[i], last_offset = new_next[i] - 1, last_epoch = epochs[i], last_digest = digests[i]
        WHERE cluster_id = cluster AND topic_id = topics[i] AND partition = partitions[i] AND next = expected[i]
          AND tableoid = tables[i];
        IF NOT FOUND THEN
            RAISE EXCEPTION 'topic % partition % is not at offset %', topics[i], partitions[i], expected[i]
                USING ERRCODE = 'SL001';
        END IF;
    END LOOP;
END $$;

DROP VIEW v_sightings, v_detections;

-- The tables so far, and their indexes, out of the way until they are copied.
DO $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT c.oid::regclass AS old, c.relname FROM pg_class c
             WHERE c.oid IN ('sightings'::regclass, 'detections'::regclass)
                OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent IN ('sightings'::regclass, 'detections'::regclass)) LOOP
        EXECUTE format('ALTER TABLE %s RENAME TO %I', r.old, 'old_' || r.relname);
    END LOOP;
    FOR r IN SELECT i.indexrelid::regclass AS old, x.relname FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
             WHERE i.indrelid IN ('old_sightings'::regclass, 'old_detections'::regclass)
                OR i.indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent IN ('old_sightings'::regclass, 'old_detections'::regclass)) LOOP
        EXECUTE format('ALTER INDEX %s RENAME TO %I', r.old, 'old_' || r.relname);
    END LOOP;
END $$;

-- The sets of zones that detections were in.
CREATE TABLE zone_sets (
    id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    zones text[]  NOT NULL UNIQUE
);

-- One row a processed frame, with its detections in arrays of one length, by falling
-- score; null for none. No foreign keys: the sink makes camera and run before it
-- writes, and a check a row would cost more than the row.
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
    dropped_before integer     NOT NULL,
    width          smallint    NOT NULL,
    height         smallint    NOT NULL,
    people         smallint    NOT NULL, -- detections labelled person
    objects        smallint    NOT NULL, -- detections
    class_ids      smallint[],
    boxes          real[],     -- x1, y1, x2, y2 and the score of each
    track_ids      integer[],  -- null if none is tracked
    zone_set_ids   integer[],  -- null if none is in a zone
    PRIMARY KEY (camera_id, captured_at, run_id, seq)
) PARTITION BY RANGE (captured_at);

-- Timestamps without a day of their own.
CREATE TABLE sightings_default PARTITION OF sightings DEFAULT;

-- sightlog_ensure_day makes the partition of a day (UTC) where it is missing. It
-- returns false where the default partition already holds rows of that day: then
-- they stay there. Made beside the table and then attached, because that locks out
-- nobody who reads or writes other days; only the default partition is locked, and
-- whoever reads it for long is not waited for longer than lock_timeout, because
-- everybody would queue behind us.
CREATE OR REPLACE FUNCTION sightlog_ensure_day(day date) RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '1s' AS $$
DECLARE
    child text := 'sightings' || to_char(day, '_YYYYMMDD');
BEGIN
    IF to_regclass(child) IS NOT NULL THEN
        RETURN true;
    END IF;
    PERFORM pg_advisory_xact_lock(7303014601517301107); -- one maker at a time
    -- Asked again, of the table: to_regclass answers from a cache.
    IF EXISTS (SELECT FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'sightings'::regclass AND c.relname = child) THEN
        RETURN true;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE sightings INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', child);
    EXECUTE format('ALTER TABLE sightings ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        child, day || ' 00:00:00+00', (day + 1) || ' 00:00:00+00');
    RETURN true;
EXCEPTION WHEN check_violation THEN
    RETURN false;
END $$;

-- One row a detection; the box in pixels of the source's frame.
CREATE VIEW detections AS
SELECT s.captured_at, s.camera_id, s.run_id, s.seq, o.track_id::bigint AS track_id,
       (o.i - 1)::smallint AS object_index, o.class_id::integer AS class_id, s.boxes[5 * o.i] AS score,
       s.boxes[5 * o.i - 4] AS x1, s.boxes[5 * o.i - 3] AS y1, s.boxes[5 * o.i - 2] AS x2, s.boxes[5 * o.i - 1] AS y2,
       z.zones
FROM sightings s
CROSS JOIN LATERAL unnest(s.class_ids, s.track_ids, s.zone_set_ids) WITH ORDINALITY AS o(class_id, track_id, zone_set_id, i)
LEFT JOIN zone_sets z ON z.id = o.zone_set_id;

-- For people: names instead of numbers.
CREATE VIEW v_sightings AS
SELECT s.captured_at, c.name AS camera, r.run, s.seq, s.people, s.objects,
       s.width::integer AS width, s.height::integer AS height, s.pts_us, s.dropped_before::bigint AS dropped_before,
       s.grabbed_at, s.decoded_at, s.inferred_at, s.produced_at,
       b.fetched_at, b.committed_at, r.model
FROM sightings s
JOIN cameras c ON c.id = s.camera_id
JOIN runs r ON r.id = s.run_id
LEFT JOIN batches b ON b.batch_id = s.batch_id;

CREATE VIEW v_detections AS
SELECT d.captured_at, c.name AS camera, r.run, d.seq, d.object_index,
       l.label, d.class_id, d.score, d.x1, d.y1, d.x2, d.y2, d.track_id, r.model, d.zones
FROM detections d
JOIN cameras c ON c.id = d.camera_id
JOIN runs r ON r.id = d.run_id
LEFT JOIN classes l ON l.run_id = d.run_id AND l.class_id = d.class_id;

-- The rows so far.
SELECT sightlog_ensure_day(to_date(right(c.relname, 8), 'YYYYMMDD'))
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = 'old_sightings'::regclass AND c.relname ~ '^old_sightings_\d{8}$';

INSERT INTO zone_sets (zones) SELECT DISTINCT zones FROM old_detections WHERE zones IS NOT NULL ORDER BY zones;

INSERT INTO sightings
SELECT s.captured_at, s.camera_id, s.run_id, s.seq, s.pts_us, s.grabbed_at, s.decoded_at, s.inferred_at, s.produced_at, s.batch_id,
       s.dropped_before, s.width, s.height, s.people, s.objects, d.class_ids, d.boxes, d.track_ids, d.zone_set_ids
FROM old_sightings s
LEFT JOIN (SELECT captured_at, camera_id, run_id, seq,
                  array_agg(class_id ORDER BY object_index) FILTER (WHERE k = 1) AS class_ids,
                  array_agg(v ORDER BY object_index, k) AS boxes,
                  CASE WHEN count(track_id) > 0 THEN array_agg(track_id ORDER BY object_index) FILTER (WHERE k = 1) END AS track_ids,
                  CASE WHEN count(z.id) > 0 THEN array_agg(z.id ORDER BY object_index) FILTER (WHERE k = 1) END AS zone_set_ids
           FROM old_detections o
           LEFT JOIN zone_sets z USING (zones)
           CROSS JOIN LATERAL unnest(ARRAY[x1, y1, x2, y2, score]) WITH ORDINALITY AS b(v, k)
           GROUP BY captured_at, camera_id, run_id, seq) d USING (captured_at, camera_id, run_id, seq);

DROP TABLE old_detections, old_sightings;

-- Sightings of before complete_from may be missing: retention deleted them, or a sink
-- does not write all.
ALTER TABLE cameras ADD COLUMN complete_from timestamptz NOT NULL DEFAULT '-infinity';

-- The totals. They are updated in the transaction that writes the rows they are of,
-- so that they always agree with them, and they outlive them. A minute is UTC, and
-- has a row where a frame was processed: no row means that nobody looked.

CREATE TABLE camera_minutes (
    camera_id     integer     NOT NULL,
    minute        timestamptz NOT NULL,
    run_id        integer     NOT NULL,
    frames        integer     NOT NULL,
    people_frames integer     NOT NULL,
    people        bigint      NOT NULL,
    max_people    integer     NOT NULL,
    detections    bigint      NOT NULL,
    dropped       bigint      NOT NULL,
    seconds       bigint      NOT NULL, -- bit n: a frame in second n
    first_seq     bigint      NOT NULL,
    last_seq      bigint      NOT NULL,
    PRIMARY KEY (camera_id, minute, run_id)
) WITH (fillfactor = 70);
CREATE INDEX camera_minutes_minute ON camera_minutes USING brin (minute) WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE zone_minutes (
    camera_id     integer     NOT NULL,
    zone          text        NOT NULL,
    minute        timestamptz NOT NULL,
    run_id        integer     NOT NULL,
    people_frames integer     NOT NULL,
    people        bigint      NOT NULL,
    max_people    integer     NOT NULL,
    PRIMARY KEY (camera_id, zone, minute, run_id)
) WITH (fillfactor = 70);
CREATE INDEX zone_minutes_minute ON zone_minutes USING brin (minute) WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE crossing_minutes (
    camera_id integer     NOT NULL,
    line      text        NOT NULL,
    minute    timestamptz NOT NULL,
    run_id    integer     NOT NULL,
    direction text        NOT NULL,
    label     text        NOT NULL,
    crossings integer     NOT NULL,
    PRIMARY KEY (camera_id, line, minute, run_id, direction, label)
) WITH (fillfactor = 70);
CREATE INDEX crossing_minutes_minute ON crossing_minutes USING brin (minute) WITH (pages_per_range = 16, autosummarize = on);

-- The path has the feet (the middle of the lower edge) at the first frame of each
-- second, as x, y, x, y and so on, of the first 600 seconds with a frame.
CREATE TABLE tracks (
    run_id    integer     NOT NULL,
    track_id  bigint      NOT NULL,
    camera_id integer     NOT NULL,
    class_id  integer     NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    frames    integer     NOT NULL,
    score     real        NOT NULL,
    path      real[]      NOT NULL,
    PRIMARY KEY (run_id, track_id)
) WITH (fillfactor = 70);
CREATE INDEX tracks_camera ON tracks (camera_id, first_at);
CREATE INDEX tracks_first_at ON tracks USING brin (first_at) WITH (pages_per_range = 16, autosummarize = on);

-- A visit ends when its track has not been in the zone for more than 10 seconds.
CREATE TABLE visits (
    run_id     integer     NOT NULL,
    track_id   bigint      NOT NULL,
    zone       text        NOT NULL,
    entered_at timestamptz NOT NULL,
    left_at    timestamptz NOT NULL,
    camera_id  integer     NOT NULL,
    frames     integer     NOT NULL,
    PRIMARY KEY (run_id, track_id, zone, entered_at)
) WITH (fillfactor = 70);
CREATE INDEX visits_camera ON visits (camera_id, entered_at);
CREATE INDEX visits_entered_at ON visits USING brin (entered_at) WITH (pages_per_range = 16, autosummarize = on);

-- The newest sighting of each camera.
CREATE TABLE latest_sightings (
    camera_id   integer     PRIMARY KEY,
    captured_at timestamptz NOT NULL,
    run_id      integer     NOT NULL,
    seq         bigint      NOT NULL,
    people      integer     NOT NULL,
    objects     integer     NOT NULL
) WITH (fillfactor = 20);

-- sightlog_repeated ends a transaction that would count frames a second time: its
-- sightings may be gone, but last_seq shows that they were counted.
CREATE FUNCTION sightlog_repeated() RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'frames of this minute are in the totals already' USING ERRCODE = 'SL002';
END $$;

-- sightlog_rebuild computes the totals again from sightings and crossings, after these
-- were changed by hand. The sinks wait until its transaction ends. Totals of before
-- the oldest sighting, and of before a camera's complete_from, stay as they are, and so
-- do the tracks and visits that began before it.
CREATE FUNCTION sightlog_rebuild() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    since timestamptz;
BEGIN
    LOCK TABLE sink_offsets IN EXCLUSIVE MODE;
    SELECT coalesce(date_trunc('minute', min(captured_at), 'UTC'), 'infinity') INTO since FROM sightings;

    DELETE FROM camera_minutes m USING cameras c WHERE c.id = m.camera_id AND m.minute >= greatest(since, c.complete_from);
    INSERT INTO camera_minutes
    SELECT camera_id, date_trunc('minute', captured_at, 'UTC'), run_id, count(*), count(*) FILTER (WHERE people > 0), sum(people), max(people),
           sum(objects), sum(dropped_before), bit_or(1::bigint << floor(extract(second FROM captured_at))::integer), min(seq), max(seq)
    FROM sightings s JOIN cameras c ON c.id = s.camera_id
    WHERE date_trunc('minute', captured_at, 'UTC') >= c.complete_from GROUP BY 1, 2, 3
    ON CONFLICT DO NOTHING;

    DELETE FROM zone_minutes z USING cameras c WHERE c.id = z.camera_id AND z.minute >= greatest(since, c.complete_from);
    INSERT INTO zone_minutes
    SELECT camera_id, zone, date_trunc('minute', captured_at, 'UTC'), run_id, count(*), sum(n), max(n)
    FROM (SELECT camera_id, run_id, seq, captured_at, zone, count(*) AS n
          FROM detections d JOIN classes USING (run_id, class_id) JOIN cameras c ON c.id = d.camera_id CROSS JOIN LATERAL unnest(zones) AS zone
          WHERE label = 'person' AND date_trunc('minute', captured_at, 'UTC') >= c.complete_from GROUP BY 1, 2, 3, 4, 5) f
    GROUP BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING;

    DELETE FROM tracks t USING cameras c WHERE c.id = t.camera_id AND t.first_at >= greatest(since, c.complete_from);
    INSERT INTO tracks
    SELECT run_id, track_id, min(camera_id), (array_agg(class_id ORDER BY score DESC, captured_at, seq))[1], min(captured_at), max(captured_at),
           count(*), max(score), '{}'
    FROM detections d JOIN cameras c ON c.id = d.camera_id
    WHERE track_id IS NOT NULL GROUP BY 1, 2 HAVING min(captured_at) >= min(c.complete_from)
    ON CONFLICT DO NOTHING;
    UPDATE tracks t SET path = p.path
    FROM (SELECT run_id, track_id, array_agg(v ORDER BY n, k) AS path
          FROM (SELECT *, row_number() OVER (PARTITION BY run_id, track_id ORDER BY captured_at) AS n
                FROM (SELECT DISTINCT ON (run_id, track_id, date_trunc('second', captured_at)) run_id, track_id, captured_at, (x1 + x2) / 2 AS x, y2 AS y
                      FROM detections WHERE track_id IS NOT NULL
                      ORDER BY run_id, track_id, date_trunc('second', captured_at), captured_at, seq) f) s
          CROSS JOIN LATERAL unnest(ARRAY[x, y]) WITH ORDINALITY AS xy(v, k)
          WHERE n <= 600 GROUP BY 1, 2) p, cameras c
    WHERE t.run_id = p.run_id AND t.track_id = p.track_id AND c.id = t.camera_id AND t.first_at >= greatest(since, c.complete_from);

    DELETE FROM visits v USING cameras c WHERE c.id = v.camera_id AND v.entered_at >= greatest(since, c.complete_from);
    INSERT INTO visits
    SELECT run_id, track_id, zone, min(captured_at), max(captured_at), min(camera_id), count(*)
    FROM (SELECT *, count(*) FILTER (WHERE new) OVER (PARTITION BY run_id, track_id, zone ORDER BY captured_at, seq) AS visit
          FROM (SELECT run_id, track_id, zone, s.camera_id, captured_at, seq,
                       captured_at - lag(captured_at) OVER (PARTITION BY run_id, track_id, zone ORDER BY captured_at, seq) > interval '10 s' AS new
                FROM detections s JOIN tracks t USING (run_id, track_id) JOIN cameras c ON c.id = t.camera_id CROSS JOIN LATERAL unnest(zones) AS zone
                WHERE t.first_at >= greatest(since, c.complete_from)) g) v
    GROUP BY run_id, track_id, zone, visit
    ON CONFLICT DO NOTHING;

    INSERT INTO latest_sightings
    SELECT DISTINCT ON (camera_id) camera_id, captured_at, run_id, seq, people, objects
    FROM sightings s JOIN cameras c ON c.id = s.camera_id
    WHERE captured_at >= c.complete_from ORDER BY camera_id, captured_at DESC, run_id DESC, seq DESC
    ON CONFLICT (camera_id) DO UPDATE SET captured_at = excluded.captured_at, run_id = excluded.run_id, seq = excluded.seq,
        people = excluded.people, objects = excluded.objects;

    SELECT coalesce(date_trunc('minute', min(captured_at), 'UTC'), 'infinity') INTO since FROM crossings;
    DELETE FROM crossing_minutes WHERE minute >= since;
    INSERT INTO crossing_minutes
    SELECT camera_id, line, date_trunc('minute', captured_at, 'UTC'), run_id, direction, label, count(*) FROM crossings GROUP BY 1, 2, 3, 4, 5, 6;
END $$;

SELECT sightlog_rebuild();

-- sightlog_seconds returns how many of a minute's seconds had a frame.
CREATE FUNCTION sightlog_seconds(bits bigint) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT length(replace(bits::bit(64)::text, '0', '')) $$;

CREATE VIEW v_minutes AS
SELECT m.minute, c.name AS camera, r.run, m.frames, m.people_frames, m.max_people,
       round(m.people::numeric / m.frames, 2) AS avg_people, m.detections, m.dropped, sightlog_seconds(m.seconds) AS seconds
FROM camera_minutes m
JOIN cameras c ON c.id = m.camera_id
JOIN runs r ON r.id = m.run_id;

CREATE VIEW v_zone_minutes AS
SELECT z.minute, c.name AS camera, r.run, z.zone, m.frames, z.people_frames, z.max_people,
       round(z.people::numeric / m.frames, 2) AS avg_people, sightlog_seconds(m.seconds) AS seconds
FROM zone_minutes z
JOIN camera_minutes m USING (camera_id, minute, run_id)
JOIN cameras c ON c.id = z.camera_id
JOIN runs r ON r.id = z.run_id;

CREATE VIEW v_crossing_minutes AS
SELECT x.minute, c.name AS camera, r.run, x.line, x.direction, x.label, x.crossings
FROM crossing_minutes x
JOIN cameras c ON c.id = x.camera_id
JOIN runs r ON r.id = x.run_id;

CREATE VIEW v_tracks AS
SELECT t.first_at, t.last_at, t.last_at - t.first_at AS duration, c.name AS camera, r.run, t.track_id, l.label, t.score, t.frames, t.path
FROM tracks t
JOIN cameras c ON c.id = t.camera_id
JOIN runs r ON r.id = t.run_id
LEFT JOIN classes l ON l.run_id = t.run_id AND l.class_id = t.class_id;

CREATE VIEW v_visits AS
SELECT v.entered_at, v.left_at, v.left_at - v.entered_at AS dwell, c.name AS camera, v.zone, r.run, v.track_id, l.label, v.frames
FROM visits v
JOIN cameras c ON c.id = v.camera_id
JOIN runs r ON r.id = v.run_id
LEFT JOIN tracks t ON t.run_id = v.run_id AND t.track_id = v.track_id
LEFT JOIN classes l ON l.run_id = v.run_id AND l.class_id = t.class_id;

COMMENT ON TABLE sightings IS 'One row for each processed frame, also for frames without detections. Partitioned by day (UTC) of captured_at.';
COMMENT ON COLUMN sightings.captured_at IS 'Time of the event: of a live source the arrival of the frame, of a file the start of the run plus the position of the frame.';
COMMENT ON COLUMN sightings.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN sightings.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN sightings.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN sightings.pts_us IS 'Position of the frame in its source, in microseconds.';
COMMENT ON COLUMN sightings.grabbed_at IS 'Time at which the host had received the frame, before decoding. Latency is counted from here.';
COMMENT ON COLUMN sightings.decoded_at IS 'Time at which the frame was decoded.';
COMMENT ON COLUMN sightings.inferred_at IS 'Time at which the detector had processed the frame.';
COMMENT ON COLUMN sightings.produced_at IS 'Time at which the sighting was sent to the log.';
COMMENT ON COLUMN sightings.batch_id IS 'The sink''s transaction that wrote the row (batches.batch_id).';
COMMENT ON COLUMN sightings.dropped_before IS 'Frames dropped since the sighting before (live sources under load).';
COMMENT ON COLUMN sightings.width IS 'Width of the frame in pixels.';
COMMENT ON COLUMN sightings.height IS 'Height of the frame in pixels.';
COMMENT ON COLUMN sightings.people IS 'Number of detections labelled person.';
COMMENT ON COLUMN sightings.objects IS 'Number of detections.';
COMMENT ON COLUMN sightings.class_ids IS 'Number of the class (classes.class_id) of each detection, by falling score; null for none. The view detections has them as rows.';
COMMENT ON COLUMN sightings.boxes IS 'Left, upper, right and lower edge and the score of each detection, five numbers each; null for none.';
COMMENT ON COLUMN sightings.track_ids IS 'Number of the tracked object of each detection; null if none is tracked.';
COMMENT ON COLUMN sightings.zone_set_ids IS 'Zones that the feet of each detection are in (zone_sets.id); null if none is in a zone.';
COMMENT ON VIEW detections IS 'One row for each detection, from the arrays of sightings.';
COMMENT ON COLUMN detections.captured_at IS 'Time of the event, as in sightings.';
COMMENT ON COLUMN detections.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN detections.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN detections.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN detections.track_id IS 'Number of the tracked object, the same from frame to frame and unique in the run; null with --track off.';
COMMENT ON COLUMN detections.object_index IS 'Index of the detection in its frame, by falling score, from 0.';
COMMENT ON COLUMN detections.class_id IS 'Number of the class in the model (classes.class_id).';
COMMENT ON COLUMN detections.score IS 'Confidence of the detector, 0 to 1.';
COMMENT ON COLUMN detections.x1 IS 'Left edge of the box, in pixels of the frame.';
COMMENT ON COLUMN detections.y1 IS 'Upper edge of the box, in pixels of the frame.';
COMMENT ON COLUMN detections.x2 IS 'Right edge of the box, in pixels of the frame.';
COMMENT ON COLUMN detections.y2 IS 'Lower edge of the box, in pixels of the frame.';
COMMENT ON COLUMN detections.zones IS 'Names of the zones that the feet (the middle of the lower edge) are in; null for none.';
COMMENT ON VIEW v_sightings IS 'Sightings with names instead of numbers, and the times of their transaction.';
COMMENT ON COLUMN v_sightings.captured_at IS 'Time of the event.';
COMMENT ON COLUMN v_sightings.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_sightings.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_sightings.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN v_sightings.people IS 'Number of detections labelled person.';
COMMENT ON COLUMN v_sightings.objects IS 'Number of detections.';
COMMENT ON COLUMN v_sightings.width IS 'Width of the frame in pixels.';
COMMENT ON COLUMN v_sightings.height IS 'Height of the frame in pixels.';
COMMENT ON COLUMN v_sightings.pts_us IS 'Position of the frame in its source, in microseconds.';
COMMENT ON COLUMN v_sightings.dropped_before IS 'Frames dropped since the sighting before (live sources under load).';
COMMENT ON COLUMN v_sightings.grabbed_at IS 'Time at which the host had received the frame, before decoding.';
COMMENT ON COLUMN v_sightings.decoded_at IS 'Time at which the frame was decoded.';
COMMENT ON COLUMN v_sightings.inferred_at IS 'Time at which the detector had processed the frame.';
COMMENT ON COLUMN v_sightings.produced_at IS 'Time at which the sighting was sent to the log.';
COMMENT ON COLUMN v_sightings.fetched_at IS 'Time at which the sink had fetched it from the log; null for the last transaction of a sink that was killed.';
COMMENT ON COLUMN v_sightings.committed_at IS 'Time at which the database acknowledged the commit; null as fetched_at is.';
COMMENT ON COLUMN v_sightings.model IS 'Name of the detector''s model.';
COMMENT ON VIEW v_detections IS 'Detections with names instead of numbers.';
COMMENT ON COLUMN v_detections.captured_at IS 'Time of the event.';
COMMENT ON COLUMN v_detections.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_detections.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_detections.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN v_detections.object_index IS 'Index of the detection in its frame, by falling score, from 0.';
COMMENT ON COLUMN v_detections.label IS 'Name of the class, in lower case.';
COMMENT ON COLUMN v_detections.class_id IS 'Number of the class in the model.';
COMMENT ON COLUMN v_detections.score IS 'Confidence of the detector, 0 to 1.';
COMMENT ON COLUMN v_detections.x1 IS 'Left edge of the box, in pixels of the frame.';
COMMENT ON COLUMN v_detections.y1 IS 'Upper edge of the box, in pixels of the frame.';
COMMENT ON COLUMN v_detections.x2 IS 'Right edge of the box, in pixels of the frame.';
COMMENT ON COLUMN v_detections.y2 IS 'Lower edge of the box, in pixels of the frame.';
COMMENT ON COLUMN v_detections.track_id IS 'Number of the tracked object, the same from frame to frame and unique in the run; null with --track off.';
COMMENT ON COLUMN v_detections.model IS 'Name of the detector''s model.';
COMMENT ON COLUMN v_detections.zones IS 'Names of the zones that the feet are in; null for none.';

COMMENT ON TABLE zone_sets IS 'The sets of zones that detections were in.';
COMMENT ON COLUMN zone_sets.id IS 'Number of the set in sightings.zone_set_ids.';
COMMENT ON COLUMN zone_sets.zones IS 'Names of the zones.';

COMMENT ON TABLE camera_minutes IS 'Totals of each minute (UTC) of a run. A minute in which no frame was processed has no row. Updated in the transaction that writes the sightings; retention of sightings leaves it.';
COMMENT ON COLUMN camera_minutes.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN camera_minutes.minute IS 'Start of the minute.';
COMMENT ON COLUMN camera_minutes.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN camera_minutes.frames IS 'Frames processed.';
COMMENT ON COLUMN camera_minutes.people_frames IS 'Frames with at least one person.';
COMMENT ON COLUMN camera_minutes.people IS 'Sum of people over the frames; divided by frames it is the average.';
COMMENT ON COLUMN camera_minutes.max_people IS 'Most people in a frame.';
COMMENT ON COLUMN camera_minutes.detections IS 'Sum of the detections of any class.';
COMMENT ON COLUMN camera_minutes.dropped IS 'Frames dropped (live sources under load).';
COMMENT ON COLUMN camera_minutes.seconds IS 'Bit n is set if a frame of second n was processed; sightlog_seconds counts them.';
COMMENT ON COLUMN camera_minutes.first_seq IS 'Index of the first frame in its source.';
COMMENT ON COLUMN camera_minutes.last_seq IS 'Index of the last frame in its source.';
COMMENT ON COLUMN cameras.complete_from IS 'Sightings from before this time may be missing, because of --keep or --store; infinity: of any time.';

COMMENT ON TABLE zone_minutes IS 'Totals of each minute (UTC) of a run in a zone. A minute without people in the zone has no row; camera_minutes tells whether it was watched.';
COMMENT ON COLUMN zone_minutes.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN zone_minutes.zone IS 'Name of the zone.';
COMMENT ON COLUMN zone_minutes.minute IS 'Start of the minute.';
COMMENT ON COLUMN zone_minutes.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN zone_minutes.people_frames IS 'Frames with at least one person in the zone.';
COMMENT ON COLUMN zone_minutes.people IS 'Sum of people in the zone over the frames.';
COMMENT ON COLUMN zone_minutes.max_people IS 'Most people in the zone in a frame.';

COMMENT ON TABLE crossing_minutes IS 'Crossings of each minute (UTC) of a run.';
COMMENT ON COLUMN crossing_minutes.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN crossing_minutes.line IS 'Name of the line.';
COMMENT ON COLUMN crossing_minutes.minute IS 'Start of the minute.';
COMMENT ON COLUMN crossing_minutes.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN crossing_minutes.direction IS 'in or out, as in crossings.';
COMMENT ON COLUMN crossing_minutes.label IS 'Name of the class.';
COMMENT ON COLUMN crossing_minutes.crossings IS 'Number of crossings.';

COMMENT ON TABLE tracks IS 'One row for each tracked object.';
COMMENT ON COLUMN tracks.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN tracks.track_id IS 'Number of the object, unique in the run.';
COMMENT ON COLUMN tracks.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN tracks.class_id IS 'Class of its detection with the best score (classes.class_id).';
COMMENT ON COLUMN tracks.first_at IS 'Time of its first detection.';
COMMENT ON COLUMN tracks.last_at IS 'Time of its last detection so far.';
COMMENT ON COLUMN tracks.frames IS 'Number of its detections.';
COMMENT ON COLUMN tracks.score IS 'Best score of its detections.';
COMMENT ON COLUMN tracks.path IS 'Its feet (the middle of the lower edge) in the first frame of each second, as x, y, x, y and so on in pixels, of its first 600 seconds with a frame.';

COMMENT ON TABLE visits IS 'One row for each stay of a tracked object in a zone. It ends when the object has not been in the zone for more than 10 seconds.';
COMMENT ON COLUMN visits.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN visits.track_id IS 'The tracked object (tracks.track_id).';
COMMENT ON COLUMN visits.zone IS 'Name of the zone.';
COMMENT ON COLUMN visits.entered_at IS 'Time of the first detection in the zone.';
COMMENT ON COLUMN visits.left_at IS 'Time of the last detection in the zone so far.';
COMMENT ON COLUMN visits.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN visits.frames IS 'Number of detections in the zone.';

COMMENT ON TABLE latest_sightings IS 'The newest sighting of each camera.';
COMMENT ON COLUMN latest_sightings.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN latest_sightings.captured_at IS 'Time of the event.';
COMMENT ON COLUMN latest_sightings.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN latest_sightings.seq IS 'Index of the frame in its source, from 0.';
COMMENT ON COLUMN latest_sightings.people IS 'Number of detections labelled person.';
COMMENT ON COLUMN latest_sightings.objects IS 'Number of detections.';

COMMENT ON VIEW v_minutes IS 'camera_minutes with names instead of numbers.';
COMMENT ON COLUMN v_minutes.minute IS 'Start of the minute (UTC).';
COMMENT ON COLUMN v_minutes.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_minutes.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_minutes.frames IS 'Frames processed.';
COMMENT ON COLUMN v_minutes.people_frames IS 'Frames with at least one person.';
COMMENT ON COLUMN v_minutes.max_people IS 'Most people in a frame.';
COMMENT ON COLUMN v_minutes.avg_people IS 'People in a frame, on average.';
COMMENT ON COLUMN v_minutes.detections IS 'Sum of the detections of any class.';
COMMENT ON COLUMN v_minutes.dropped IS 'Frames dropped (live sources under load).';
COMMENT ON COLUMN v_minutes.seconds IS 'Number of seconds of the minute of which a frame was processed.';

COMMENT ON VIEW v_zone_minutes IS 'zone_minutes with names instead of numbers.';
COMMENT ON COLUMN v_zone_minutes.minute IS 'Start of the minute (UTC).';
COMMENT ON COLUMN v_zone_minutes.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_zone_minutes.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_zone_minutes.zone IS 'Name of the zone.';
COMMENT ON COLUMN v_zone_minutes.frames IS 'Frames processed.';
COMMENT ON COLUMN v_zone_minutes.people_frames IS 'Frames with at least one person in the zone.';
COMMENT ON COLUMN v_zone_minutes.max_people IS 'Most people in the zone in a frame.';
COMMENT ON COLUMN v_zone_minutes.avg_people IS 'People in the zone in a frame, on average over all frames.';
COMMENT ON COLUMN v_zone_minutes.seconds IS 'Number of seconds of the minute of which a frame was processed.';

COMMENT ON VIEW v_crossing_minutes IS 'crossing_minutes with names instead of numbers.';
COMMENT ON COLUMN v_crossing_minutes.minute IS 'Start of the minute (UTC).';
COMMENT ON COLUMN v_crossing_minutes.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_crossing_minutes.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_crossing_minutes.line IS 'Name of the line.';
COMMENT ON COLUMN v_crossing_minutes.direction IS 'in: from the left of the line to its right, seen from its first point to its second; out: the opposite.';
COMMENT ON COLUMN v_crossing_minutes.label IS 'Name of the class.';
COMMENT ON COLUMN v_crossing_minutes.crossings IS 'Number of crossings.';

COMMENT ON VIEW v_tracks IS 'tracks with names instead of numbers.';
COMMENT ON COLUMN v_tracks.first_at IS 'Time of the first detection.';
COMMENT ON COLUMN v_tracks.last_at IS 'Time of the last detection so far.';
COMMENT ON COLUMN v_tracks.duration IS 'From the first to the last.';
COMMENT ON COLUMN v_tracks.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_tracks.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_tracks.track_id IS 'Number of the object, unique in the run.';
COMMENT ON COLUMN v_tracks.label IS 'Name of the class, in lower case.';
COMMENT ON COLUMN v_tracks.score IS 'Best score.';
COMMENT ON COLUMN v_tracks.frames IS 'Number of detections.';
COMMENT ON COLUMN v_tracks.path IS 'Its feet, once a second, as x, y, x, y and so on in pixels.';

COMMENT ON VIEW v_visits IS 'visits with names instead of numbers.';
COMMENT ON COLUMN v_visits.entered_at IS 'Time of the first detection in the zone.';
COMMENT ON COLUMN v_visits.left_at IS 'Time of the last detection in the zone so far.';
COMMENT ON COLUMN v_visits.dwell IS 'From the first to the last.';
COMMENT ON COLUMN v_visits.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_visits.zone IS 'Name of the zone.';
COMMENT ON COLUMN v_visits.run IS 'Identifier of the run.';
COMMENT ON COLUMN v_visits.track_id IS 'Number of the object, unique in the run.';
COMMENT ON COLUMN v_visits.label IS 'Name of the class, in lower case.';
COMMENT ON COLUMN v_visits.frames IS 'Number of detections in the zone.';

---- create above / drop below ----

-- There is no way back: restore the copy that was made before, or read the log again
-- from its start with the older sightlog into an empty database.
