-- Half hours have the detections and the dropped frames, too, so that reports by hour and day read no minutes.

ALTER TABLE camera_half_hours ADD COLUMN detections bigint NOT NULL DEFAULT 0, ADD COLUMN dropped bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN camera_half_hours.detections IS 'Sum of the detections of any class.';
COMMENT ON COLUMN camera_half_hours.dropped IS 'Frames dropped (live sources under load).';

UPDATE camera_half_hours h SET detections = m.detections, dropped = m.dropped
FROM (SELECT camera_id, sightlog_half_hour(minute) AS half_hour, run_id, sum(detections)::bigint AS detections, sum(dropped)::bigint AS dropped
      FROM camera_minutes GROUP BY 1, 2, 3) m
WHERE m.camera_id = h.camera_id AND m.half_hour = h.half_hour AND m.run_id = h.run_id;

CREATE OR REPLACE FUNCTION sightlog_rebuild_half_hours(since timestamptz) RETURNS void LANGUAGE sql AS $$
    DELETE FROM camera_half_hours h USING cameras c WHERE c.id = h.camera_id AND h.half_hour >= sightlog_half_hour(greatest($1, c.complete_from));
    INSERT INTO camera_half_hours (camera_id, half_hour, run_id, frames, people, max_people, seconds, seconds_count, detections, dropped)
    SELECT camera_id, half_hour, run_id, frames, people, max_people, seconds, length(replace(seconds::text, '0', '')), detections, dropped
    FROM (SELECT m.camera_id, sightlog_half_hour(m.minute) AS half_hour, m.run_id, sum(m.frames)::bigint AS frames, sum(m.people)::bigint AS people,
                 max(m.max_people) AS max_people, bit_or(sightlog_half_hour_seconds(m.minute, m.seconds)) AS seconds,
                 sum(m.detections)::bigint AS detections, sum(m.dropped)::bigint AS dropped
          FROM camera_minutes m JOIN cameras c ON c.id = m.camera_id
          WHERE m.minute >= sightlog_half_hour(greatest($1, c.complete_from)) GROUP BY 1, 2, 3) s
    ON CONFLICT DO NOTHING $$;

---- create above / drop below ----

-- There is no way back: restore the copy that was made before, or read the log again
-- from its start with the older sightlog into an empty database.
