-- The boxes of a sighting are read from their storage once, not once for each number of each detection: of a
-- frame with thousands of detections that took minutes. OFFSET 0 keeps the numbers from being taken out of the
-- array later, after a sort that would carry the array with each detection.

CREATE OR REPLACE VIEW detections AS
SELECT s.captured_at, s.camera_id, s.run_id, s.seq, o.track_id::bigint AS track_id,
       (o.i - 1)::smallint AS object_index, o.class_id::integer AS class_id, o.score, o.x1, o.y1, o.x2, o.y2, z.zones, o.state
FROM sightings s
CROSS JOIN LATERAL (
    SELECT i, class_id, track_id, zone_set_id, d.boxes[5 * i] AS score,
           d.boxes[5 * i - 4] AS x1, d.boxes[5 * i - 3] AS y1, d.boxes[5 * i - 2] AS x2, d.boxes[5 * i - 1] AS y2,
           CASE get_byte(d.states, i - 1) WHEN 1 THEN 'new' WHEN 2 THEN 'stationary' WHEN 3 THEN 'thing' END AS state
    FROM (SELECT s.boxes || '{}'::real[] AS boxes, s.states || ''::bytea AS states OFFSET 0) d
    CROSS JOIN LATERAL (
        SELECT generate_subscripts(s.class_ids, 1) AS i, unnest(s.class_ids) AS class_id,
               unnest(s.track_ids) AS track_id, unnest(s.zone_set_ids) AS zone_set_id) e
    OFFSET 0) o
LEFT JOIN zone_sets z ON z.id = o.zone_set_id;

---- create above / drop below ----

CREATE OR REPLACE VIEW detections AS
SELECT s.captured_at, s.camera_id, s.run_id, s.seq, o.track_id::bigint AS track_id,
       (o.i - 1)::smallint AS object_index, o.class_id::integer AS class_id, s.boxes[5 * o.i] AS score,
       s.boxes[5 * o.i - 4] AS x1, s.boxes[5 * o.i - 3] AS y1, s.boxes[5 * o.i - 2] AS x2, s.boxes[5 * o.i - 1] AS y2,
       z.zones,
       CASE get_byte(s.states, o.i - 1) WHEN 1 THEN 'new' WHEN 2 THEN 'stationary' WHEN 3 THEN 'thing' END AS state
FROM sightings s
CROSS JOIN LATERAL (
    SELECT generate_subscripts(s.class_ids, 1) AS i, unnest(s.class_ids) AS class_id,
           unnest(s.track_ids) AS track_id, unnest(s.zone_set_ids) AS zone_set_id) o
LEFT JOIN zone_sets z ON z.id = o.zone_set_id;

