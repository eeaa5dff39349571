-- Detections are taken out of their arrays row by row, without a table of them for each sighting.

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

---- create above / drop below ----

CREATE OR REPLACE VIEW detections AS
SELECT s.captured_at, s.camera_id, s.run_id, s.seq, o.track_id::bigint AS track_id,
       (o.i - 1)::smallint AS object_index, o.class_id::integer AS class_id, s.boxes[5 * o.i] AS score,
       s.boxes[5 * o.i - 4] AS x1, s.boxes[5 * o.i - 3] AS y1, s.boxes[5 * o.i - 2] AS x2, s.boxes[5 * o.i - 1] AS y2,
       z.zones,
       CASE get_byte(s.states, (o.i - 1)::integer) WHEN 1 THEN 'new' WHEN 2 THEN 'stationary' WHEN 3 THEN 'thing' END AS state
FROM sightings s
CROSS JOIN LATERAL unnest(s.class_ids, s.track_ids, s.zone_set_ids) WITH ORDINALITY AS o(class_id, track_id, zone_set_id, i)
LEFT JOIN zone_sets z ON z.id = o.zone_set_id;
