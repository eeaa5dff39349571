-- Staff and passers-by, recognised by rules. Nothing is removed: the view has the tracks that
-- a rule takes.

CREATE TABLE staff_rules (
    id          integer    GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    camera      text       NOT NULL,
    rule        text       NOT NULL CHECK (rule IN ('zone', 'longer_than', 'schedule')),
    zone        text,
    longer_than interval,
    days        smallint[],
    starts      time,
    lasts       interval,
    tz          text,
    CHECK (CASE rule WHEN 'zone' THEN zone IS NOT NULL WHEN 'longer_than' THEN longer_than IS NOT NULL
           ELSE num_nulls(days, starts, lasts, tz) = 0 END)
);

-- A schedule is compared with the clock: its day is that on which it starts, also after
-- midnight.
CREATE VIEW v_staff_tracks AS
SELECT c.name AS camera, r.run, t.track_id, s.rule, t.run_id, t.first_at, t.last_at
FROM staff_rules s
JOIN cameras c ON c.name = s.camera
JOIN tracks t ON t.camera_id = c.id
JOIN runs r ON r.id = t.run_id
WHERE CASE s.rule
    WHEN 'zone' THEN EXISTS (SELECT FROM visits v WHERE v.run_id = t.run_id AND v.track_id = t.track_id AND v.zone = s.zone AND v.entered_at = t.first_at)
    WHEN 'longer_than' THEN t.last_at - t.first_at >= s.longer_than
    ELSE extract(isodow FROM (t.first_at AT TIME ZONE s.tz) - s.starts::interval) = ANY (s.days)
         AND ((t.first_at AT TIME ZONE s.tz) - s.starts::interval)::time::interval < s.lasts END;

COMMENT ON TABLE staff_rules IS 'Rules that recognise staff and passers-by (key staff of a camera), as the services were last started with.';
COMMENT ON COLUMN staff_rules.id IS 'Number of the rule.';
COMMENT ON COLUMN staff_rules.camera IS 'Name of the camera.';
COMMENT ON COLUMN staff_rules.rule IS 'zone: tracks that begin in the zone; longer_than: that last as long; schedule: that begin in a time of the week.';
COMMENT ON COLUMN staff_rules.zone IS 'The zone; null for the other rules.';
COMMENT ON COLUMN staff_rules.longer_than IS 'The length of the track, from its first detection to its last; null for the other rules.';
COMMENT ON COLUMN staff_rules.days IS 'Days of the week on which the time begins, 1 is Monday; null for the other rules.';
COMMENT ON COLUMN staff_rules.starts IS 'Time of day at which it begins; null for the other rules.';
COMMENT ON COLUMN staff_rules.lasts IS 'How long it lasts by the clock, at most a day; null for the other rules.';
COMMENT ON COLUMN staff_rules.tz IS 'Time zone of the clock; null for the other rules.';
COMMENT ON VIEW v_staff_tracks IS 'Tracks that a rule takes for staff or passers-by, once for each rule.';
COMMENT ON COLUMN v_staff_tracks.camera IS 'Name of the camera.';
COMMENT ON COLUMN v_staff_tracks.run IS 'The run.';
COMMENT ON COLUMN v_staff_tracks.track_id IS 'Number of the track in its run.';
COMMENT ON COLUMN v_staff_tracks.rule IS 'zone, longer_than or schedule.';
COMMENT ON COLUMN v_staff_tracks.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN v_staff_tracks.first_at IS 'Time of its first detection.';
COMMENT ON COLUMN v_staff_tracks.last_at IS 'Time of its last detection.';

---- create above / drop below ----

DROP VIEW v_staff_tracks;
DROP TABLE staff_rules;
