-- Lengths in seconds and sums of people, for tools that chart only numbers: they can
-- neither average intervals nor weigh averages that were rounded.

CREATE OR REPLACE VIEW v_minutes AS
SELECT m.minute, c.name AS camera, r.run, m.frames, m.people_frames, m.max_people,
       round(m.people::numeric / m.frames, 2) AS avg_people, m.detections, m.dropped, sightlog_seconds(m.seconds) AS seconds,
       m.people AS people_sum
FROM camera_minutes m
JOIN cameras c ON c.id = m.camera_id
JOIN runs r ON r.id = m.run_id;
COMMENT ON COLUMN v_minutes.people_sum IS
    'Sum of the people of all frames: sum(people_sum) / sum(frames) is the average of several minutes.';

CREATE OR REPLACE VIEW v_zone_minutes AS
SELECT z.minute, c.name AS camera, r.run, z.zone, m.frames, z.people_frames, z.max_people,
       round(z.people::numeric / m.frames, 2) AS avg_people, sightlog_seconds(m.seconds) AS seconds,
       z.people AS people_sum
FROM zone_minutes z
JOIN camera_minutes m USING (camera_id, minute, run_id)
JOIN cameras c ON c.id = z.camera_id
JOIN runs r ON r.id = z.run_id;
COMMENT ON COLUMN v_zone_minutes.people_sum IS 'Sum of the people in the zone of all frames.';
COMMENT ON VIEW v_zone_minutes IS 'zone_minutes with names instead of numbers: no row for a minute in which nobody was in the zone.';

CREATE OR REPLACE VIEW v_tracks AS
SELECT t.first_at, t.last_at, t.last_at - t.first_at AS duration, c.name AS camera, r.run, t.track_id, l.label, t.score, t.frames,
       t.path, t.thing, extract(epoch FROM t.last_at - t.first_at)::double precision AS duration_s
FROM tracks t
JOIN cameras c ON c.id = t.camera_id
JOIN runs r ON r.id = t.run_id
LEFT JOIN classes l ON l.run_id = t.run_id AND l.class_id = t.class_id;
COMMENT ON COLUMN v_tracks.duration_s IS 'duration in seconds, for tools that cannot reckon with intervals.';

CREATE OR REPLACE VIEW v_visits AS
SELECT v.entered_at, v.left_at, v.left_at - v.entered_at AS dwell, c.name AS camera, v.zone, r.run, v.track_id, l.label, v.frames,
       extract(epoch FROM v.left_at - v.entered_at)::double precision AS dwell_s
FROM visits v
JOIN cameras c ON c.id = v.camera_id
JOIN runs r ON r.id = v.run_id
LEFT JOIN tracks t ON t.run_id = v.run_id AND t.track_id = v.track_id
LEFT JOIN classes l ON l.run_id = v.run_id AND l.class_id = t.class_id
WHERE t.thing IS NOT TRUE;
COMMENT ON COLUMN v_visits.dwell_s IS 'dwell in seconds, for tools that cannot reckon with intervals.';

---- create above / drop below ----

-- There is no way back, and no need of one: the added columns do no harm.
