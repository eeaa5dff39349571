-- The states of tracked objects: things that are taken for people do not count as such.

ALTER TABLE sightings ADD COLUMN states bytea; -- a byte each; null if all are 0

ALTER TABLE tracks ADD COLUMN thing boolean NOT NULL DEFAULT false;
CREATE INDEX tracks_things ON tracks (run_id, track_id) WHERE thing;

CREATE OR REPLACE VIEW detections AS
SELECT s.captured_at, s.camera_id, s.run_id, s.seq, o.track_id::bigint AS track_id,
       (o.i - 1)::smallint AS object_index, o.class_id::integer AS class_id, s.boxes[5 * o.i] AS score,
       s.boxes[5 * o.i - 4] AS x1, s.boxes[5 * o.i - 3] AS y1, s.boxes[5 * o.i - 2] AS x2, s.boxes[5 * o.i - 1] AS y2,
       z.zones,
       CASE get_byte(s.states, (o.i - 1)::integer) WHEN 1 THEN 'new' WHEN 2 THEN 'stationary' WHEN 3 THEN 'thing' END AS state
FROM sightings s
CROSS JOIN LATERAL unnest(s.class_ids, s.track_ids, s.zone_set_ids) WITH ORDINALITY AS o(class_id, track_id, zone_set_id, i)
LEFT JOIN zone_sets z ON z.id = o.zone_set_id;

CREATE OR REPLACE VIEW v_detections AS
SELECT d.captured_at, c.name AS camera, r.run, d.seq, d.object_index,
       l.label, d.class_id, d.score, d.x1, d.y1, d.x2, d.y2, d.track_id, r.model, d.zones, d.state
FROM detections d
JOIN cameras c ON c.id = d.camera_id
JOIN runs r ON r.id = d.run_id
LEFT JOIN classes l ON l.run_id = d.run_id AND l.class_id = d.class_id;

CREATE OR REPLACE VIEW v_tracks AS
SELECT t.first_at, t.last_at, t.last_at - t.first_at AS duration, c.name AS camera, r.run, t.track_id, l.label, t.score, t.frames, t.path, t.thing
FROM tracks t
JOIN cameras c ON c.id = t.camera_id
JOIN runs r ON r.id = t.run_id
LEFT JOIN classes l ON l.run_id = t.run_id AND l.class_id = t.class_id;

CREATE OR REPLACE VIEW v_visits AS
SELECT v.entered_at, v.left_at, v.left_at - v.entered_at AS dwell, c.name AS camera, v.zone, r.run, v.track_id, l.label, v.frames
FROM visits v
JOIN cameras c ON c.id = v.camera_id
JOIN runs r ON r.id = v.run_id
LEFT JOIN tracks t ON t.run_id = v.run_id AND t.track_id = v.track_id
LEFT JOIN classes l ON l.run_id = v.run_id AND l.class_id = t.class_id
WHERE t.thing IS NOT TRUE;

CREATE OR REPLACE FUNCTION sightlog_rebuild() RETURNS void LANGUAGE plpgsql AS $$
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
          WHERE label = 'person' AND state IS DISTINCT FROM 'thing' AND date_trunc('minute', captured_at, 'UTC') >= c.complete_from GROUP BY 1, 2, 3, 4, 5) f
    GROUP BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING;

    DELETE FROM tracks t USING cameras c WHERE c.id = t.camera_id AND t.first_at >= greatest(since, c.complete_from);
    INSERT INTO tracks
    SELECT run_id, track_id, min(camera_id), (array_agg(class_id ORDER BY score DESC, captured_at, seq))[1], min(captured_at), max(captured_at),
           count(*), max(score), '{}', (array_agg(state = 'thing' ORDER BY captured_at DESC, seq DESC))[1] IS TRUE
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

COMMENT ON COLUMN sightings.people IS 'Number of detections labelled person that are no things.';
COMMENT ON COLUMN sightings.states IS 'State of each detection, a byte each: 0 none, 1 new, 2 stationary, 3 thing; null if none has one. The view detections has them as text.';
COMMENT ON COLUMN detections.state IS 'new: has not moved since it appeared. stationary: has not moved for 10 seconds, but did before. thing: taken for a person, but never moved; it is in no zone and does not count as a person. Null: it moves, or is not tracked.';
COMMENT ON COLUMN v_detections.state IS 'new, stationary, thing or null, as in detections.';
COMMENT ON COLUMN v_sightings.people IS 'Number of detections labelled person that are no things.';
COMMENT ON COLUMN tracks.thing IS 'Whether it was a thing in its last detection: taken for a person, but never moved.';
COMMENT ON COLUMN v_tracks.thing IS 'Whether it was a thing in its last detection: taken for a person, but never moved.';

---- create above / drop below ----

-- There is no way back: restore the copy that was made before, or read the log again
-- from its start with the older sightlog into an empty database.
