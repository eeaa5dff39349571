-- How many people are inside: places, the lines that count into them, and the balance of
-- their crossings.

-- Tracks have their way in pixels, lines are parts of the frame.
ALTER TABLE runs ADD COLUMN frame_width integer, ADD COLUMN frame_height integer;
UPDATE runs r SET frame_width = s.width, frame_height = s.height
FROM (SELECT run_id, max(track_id) AS track_id FROM tracks GROUP BY 1) n
JOIN tracks t ON t.run_id = n.run_id AND t.track_id = n.track_id
JOIN sightings s ON s.camera_id = t.camera_id AND s.captured_at = t.first_at AND s.run_id = t.run_id
WHERE r.id = n.run_id;

CREATE TABLE places (
    id       integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name     text    NOT NULL UNIQUE,
    reset_at time    NOT NULL,
    tz       text    NOT NULL,
    label    text    NOT NULL,
    capacity integer
);

-- The camera by its name: it may have no row yet.
CREATE TABLE place_lines (
    place_id integer NOT NULL REFERENCES places ON DELETE CASCADE,
    camera   text    NOT NULL,
    line     text    NOT NULL,
    reversed boolean NOT NULL,
    PRIMARY KEY (place_id, camera, line)
);

-- sightlog_reset returns the last reset at or before a time. The clock shows a time of day
-- once a day: one that a change of the clock skips is moved by the change, one that comes
-- twice is the second.
CREATE FUNCTION sightlog_reset(moment timestamptz, reset_at time, tz text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT max(r) FROM generate_series(-2, 1) AS d, LATERAL (SELECT ((moment AT TIME ZONE tz)::date + d + reset_at) AT TIME ZONE tz AS r) x WHERE r <= moment $$;

-- A recount has a view of its own in place of this one.
CREATE VIEW v_counted_lines AS
SELECT d.run_id, d.name AS line, d.points, '-infinity'::timestamptz AS since, 'infinity'::timestamptz AS until
FROM definitions d WHERE d.kind = 'line' AND d.run_id IS NOT NULL;

-- What a balance is made of, by the minute, so that it is a sum over the minutes since its
-- reset: crossing_minutes and camera_minutes by their primary keys, the tracks of each of
-- these minutes by their index.
CREATE VIEW v_place_crossings AS
SELECT p.name AS place, x.minute, coalesce(sum(x.crossings) FILTER (WHERE (x.direction = 'in') <> l.reversed), 0)::bigint AS "in",
       coalesce(sum(x.crossings) FILTER (WHERE (x.direction = 'in') = l.reversed), 0)::bigint AS "out"
FROM places p JOIN place_lines l ON l.place_id = p.id JOIN cameras c ON c.name = l.camera
JOIN crossing_minutes x ON x.camera_id = c.id AND x.line = l.line AND x.label = p.label
GROUP BY 1, 2;

CREATE VIEW v_place_seconds AS
SELECT p.name AS place, w.minute, CASE WHEN count(w.seconds) = min(w.cameras) THEN sightlog_seconds(bit_and(w.seconds)) ELSE 0 END AS seconds,
       sum(w.dropped)::bigint AS dropped
FROM places p
JOIN (SELECT l.place_id, l.cameras, c.id, m.minute, sum(m.dropped) AS dropped,
             bit_or(m.seconds) FILTER (WHERE d.lines = l.lines AND m.minute >= d.since AND m.minute < d.until) AS seconds
      FROM (SELECT place_id, camera, array_agg(line) AS names, count(*) AS lines, count(*) OVER (PARTITION BY place_id) AS cameras
            FROM place_lines GROUP BY 1, 2) l
      JOIN cameras c ON c.name = l.camera
      JOIN camera_minutes m ON m.camera_id = c.id
      CROSS JOIN LATERAL (SELECT count(*) AS lines, max(k.since) AS since, min(k.until) AS until
                          FROM v_counted_lines k WHERE k.run_id = m.run_id AND k.line = ANY (l.names)) d
      GROUP BY 1, 2, 3, 4) w ON w.place_id = p.id
GROUP BY 1, 2;

-- A path has no end after 600 seconds; a track may still be found again within 10.
CREATE VIEW v_place_tracks AS
SELECT p.name AS place, m.minute, r.run, t.track_id, t.first_at, t.last_at, t.near
FROM places p
JOIN (SELECT place_id, camera, array_agg(line) AS names FROM place_lines GROUP BY 1, 2) l ON l.place_id = p.id
JOIN cameras c ON c.name = l.camera
JOIN latest_sightings e ON e.camera_id = c.id
JOIN camera_minutes m ON m.camera_id = c.id
JOIN runs r ON r.id = m.run_id
CROSS JOIN LATERAL (SELECT array_agg(lseg(point(k.points[1] * h.frame_width, k.points[2] * h.frame_height),
                                          point(k.points[3] * h.frame_width, k.points[4] * h.frame_height))) AS lines, min(h.frame_height) AS height
                    FROM v_counted_lines k JOIN runs h ON h.id = k.run_id
                    WHERE k.run_id = m.run_id AND k.line = ANY (l.names) AND h.frame_height IS NOT NULL) d
CROSS JOIN LATERAL (SELECT s.*, (SELECT bool_or(point(s.path[cardinality(s.path) - 1], s.path[cardinality(s.path)]) <-> g <= d.height / 10.0)
                                 FROM unnest(d.lines) AS g) AS near
                    FROM tracks s
                    WHERE s.camera_id = m.camera_id AND s.run_id = m.run_id AND s.first_at >= m.minute AND s.first_at < m.minute + interval '1 min'
                      AND s.last_at < e.captured_at - interval '10 s' AND cardinality(s.path) < 1200 AND NOT s.thing
                    OFFSET 0) t
JOIN classes b ON b.run_id = t.run_id AND b.class_id = t.class_id AND b.label = p.label
WHERE t.near IS NOT FALSE
  AND NOT EXISTS (SELECT FROM crossings x WHERE x.captured_at >= t.first_at AND x.captured_at <= t.last_at AND x.camera_id = t.camera_id
                  AND x.run_id = t.run_id AND x.track_id = t.track_id AND x.line = ANY (l.names));

-- sightlog_balance returns a place's balance in buckets (minute, hour or day, in the
-- session's time zone) of a time. The rows of one time are in the order of their kinds: a
-- reset, the beginning of a bucket, the minute. Sums run from each reset to the next.
CREATE FUNCTION sightlog_balance(place_name text, since timestamptz, until timestamptz, unit text)
RETURNS TABLE (bucket timestamptz, "in" bigint, "out" bigint, inside bigint, max_inside bigint, reset timestamptz, lowest bigint,
               blind_s bigint, unclosed bigint, dropped bigint)
LANGUAGE sql STABLE AS $$
WITH place AS (
    SELECT p.*, sightlog_reset($2, p.reset_at, p.tz) AS first, least($3, now()) AS last FROM places p WHERE p.name = $1
), happened AS (
    SELECT DISTINCT sightlog_reset(t, p.reset_at, p.tz) AS t, 0 AS kind, 0::bigint AS n_in, 0::bigint AS n_out, 0::bigint AS seconds,
           0::bigint AS dropped, 0::bigint AS unclosed, 0::bigint AS unknown
    FROM place p, generate_series(p.first, p.last + interval '6 h', '6 h') AS t WHERE sightlog_reset(t, p.reset_at, p.tz) < p.last
    UNION ALL
    SELECT DISTINCT greatest(date_trunc($4, t), $2), 1, 0, 0, 0, 0, 0, 0
    FROM place p, generate_series(date_trunc($4, $2), p.last - interval '1 us', CASE $4 WHEN 'minute' THEN interval '1 min' ELSE interval '30 min' END) AS t
    WHERE p.last > $2
    UNION ALL
    SELECT m.minute, 2, m."in", m."out", 0, 0, 0, 0
    FROM place p JOIN v_place_crossings m ON m.place = p.name AND m.minute >= p.first AND m.minute < p.last
    UNION ALL
    SELECT m.minute, 2, 0, 0, m.seconds, m.dropped, 0, 0
    FROM place p JOIN v_place_seconds m ON m.place = p.name AND m.minute >= p.first AND m.minute < p.last
    UNION ALL
    SELECT m.minute, 2, 0, 0, 0, 0, CASE WHEN m.near THEN 1 ELSE 0 END, CASE WHEN m.near THEN 0 ELSE 1 END
    FROM place p JOIN v_place_tracks m ON m.place = p.name AND m.minute >= p.first AND m.minute < p.last
), periods AS (
    SELECT *, max(t) FILTER (WHERE kind = 0) OVER (ORDER BY t, kind) AS began FROM happened
), running AS (
    SELECT *, sum(n_in - n_out) OVER w AS balance, sum(seconds) OVER w AS seen, sum(dropped) OVER w AS lost, sum(unclosed) OVER w AS open,
           sum(unknown) OVER w AS unclear
    FROM periods WINDOW w AS (PARTITION BY began ORDER BY t, kind)
), lows AS (
    SELECT *, min(balance) OVER (PARTITION BY began ORDER BY t, kind) AS low, date_trunc($4, t) AS bucket FROM running
), ordered AS (
    SELECT *, row_number() OVER (PARTITION BY bucket ORDER BY t DESC, kind DESC) = 1 AS final FROM lows WHERE t >= $2
)
SELECT o.bucket, sum(o.n_in)::bigint, sum(o.n_out)::bigint, (max(o.balance) FILTER (WHERE final))::bigint, max(o.balance)::bigint,
       max(o.began) FILTER (WHERE final), (max(o.low) FILTER (WHERE final))::bigint,
       greatest(0, floor(extract(epoch FROM least(date_trunc($4, o.bucket + ('1 ' || $4)::interval), date_trunc('minute', $3 + interval '59.999999 s'), now())
                                 - max(o.began) FILTER (WHERE final))) - max(o.seen) FILTER (WHERE final))::bigint,
       CASE WHEN (max(o.unclear) FILTER (WHERE final)) = 0 THEN (max(o.open) FILTER (WHERE final))::bigint END,
       (max(o.lost) FILTER (WHERE final))::bigint
FROM ordered o GROUP BY o.bucket ORDER BY o.bucket $$;

-- How many are inside now. Columns that are not asked for cost nothing.
CREATE VIEW v_balance AS
SELECT p.name AS place, now() AS at, r.reset, coalesce(b."in", 0)::bigint AS "in", coalesce(b."out", 0)::bigint AS "out",
       coalesce(b."in" - b."out", 0)::bigint AS inside, p.capacity, least(0, b.lowest)::bigint AS lowest,
       greatest(0, floor(extract(epoch FROM now() - r.reset)) - coalesce((SELECT sum(m.seconds) FROM v_place_seconds m
                   WHERE m.place = p.name AND m.minute >= r.reset AND m.minute <= now()), 0))::bigint AS blind_s,
       (SELECT CASE WHEN coalesce(bool_and(m.near IS NOT NULL), true) THEN count(*) END FROM v_place_tracks m
        WHERE m.place = p.name AND m.minute >= r.reset AND m.minute <= now()) AS unclosed,
       coalesce((SELECT sum(m.dropped) FROM v_place_seconds m WHERE m.place = p.name AND m.minute >= r.reset AND m.minute <= now()), 0)::bigint AS dropped
FROM places p
CROSS JOIN LATERAL (SELECT sightlog_reset(now(), p.reset_at, p.tz) AS reset) r
CROSS JOIN LATERAL (SELECT sum(m."in") AS "in", sum(m."out") AS "out", min(m.balance) AS lowest
                    FROM (SELECT v.*, sum(v."in" - v."out") OVER (ORDER BY v.minute) AS balance
                          FROM v_place_crossings v WHERE v.place = p.name AND v.minute >= r.reset AND v.minute <= now()) m) b;

COMMENT ON COLUMN runs.frame_width IS 'Width of the frames in pixels; null until the first one is stored.';
COMMENT ON COLUMN runs.frame_height IS 'Height of the frames in pixels; null until the first one is stored.';
COMMENT ON TABLE places IS 'Places of which the balance is kept (key places of the configuration, or occupancy of a camera), as the services were last started with.';
COMMENT ON COLUMN places.id IS 'Number of the place.';
COMMENT ON COLUMN places.name IS 'Name of the place.';
COMMENT ON COLUMN places.reset_at IS 'Time of day at which the balance begins at 0.';
COMMENT ON COLUMN places.tz IS 'Time zone of reset_at.';
COMMENT ON COLUMN places.label IS 'Class of the crossings that count.';
COMMENT ON COLUMN places.capacity IS 'How many may be inside; null if nothing is said.';
COMMENT ON TABLE place_lines IS 'The lines that count into places.';
COMMENT ON COLUMN place_lines.place_id IS 'The place (places.id).';
COMMENT ON COLUMN place_lines.camera IS 'Name of the camera.';
COMMENT ON COLUMN place_lines.line IS 'Name of the line.';
COMMENT ON COLUMN place_lines.reversed IS 'Whether in of the line is out of the place.';
COMMENT ON FUNCTION sightlog_reset(timestamptz, time, text) IS 'The last reset at or before a time.';
COMMENT ON FUNCTION sightlog_balance(text, timestamptz, timestamptz, text) IS 'The balance of a place between two times (whole minutes), in buckets of a minute, hour or day of the session''s time zone. reset is the last one before the bucket''s end; inside, lowest, blind_s, unclosed and dropped are from there to that end, in, out and max_inside of the bucket.';
COMMENT ON VIEW v_counted_lines IS 'Lines with which the crossings of each run were counted.';
COMMENT ON COLUMN v_counted_lines.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN v_counted_lines.line IS 'Name of the line.';
COMMENT ON COLUMN v_counted_lines.points IS 'The two ends of the line: x and y of each, in parts of the frame''s width and height.';
COMMENT ON COLUMN v_counted_lines.since IS 'Time from which on it counted: -infinity, or the beginning of a recount.';
COMMENT ON COLUMN v_counted_lines.until IS 'Time up to which it counted: infinity, or the end of a recount.';
COMMENT ON VIEW v_place_crossings IS 'Crossings into and out of a place by the minute.';
COMMENT ON COLUMN v_place_crossings.place IS 'Name of the place.';
COMMENT ON COLUMN v_place_crossings.minute IS 'Beginning of the minute.';
COMMENT ON COLUMN v_place_crossings."in" IS 'Crossings into the place.';
COMMENT ON COLUMN v_place_crossings."out" IS 'Crossings out of the place.';
COMMENT ON VIEW v_place_seconds IS 'How much of a place was watched, by the minute.';
COMMENT ON COLUMN v_place_seconds.place IS 'Name of the place.';
COMMENT ON COLUMN v_place_seconds.minute IS 'Beginning of the minute.';
COMMENT ON COLUMN v_place_seconds.seconds IS 'Seconds of the minute in which each camera of the place processed a frame, with all its lines of the place.';
COMMENT ON COLUMN v_place_seconds.dropped IS 'Frames of its cameras that were dropped because detection was too slow.';
COMMENT ON VIEW v_place_tracks IS 'Unclosed tracks of a place: they ended, 600 seconds after they began at most, within a tenth of the frame''s height of a line without having crossed one.';
COMMENT ON COLUMN v_place_tracks.place IS 'Name of the place.';
COMMENT ON COLUMN v_place_tracks.minute IS 'Minute in which the track began.';
COMMENT ON COLUMN v_place_tracks.run IS 'The run.';
COMMENT ON COLUMN v_place_tracks.track_id IS 'Number of the track in its run.';
COMMENT ON COLUMN v_place_tracks.first_at IS 'Time of its first detection.';
COMMENT ON COLUMN v_place_tracks.last_at IS 'Time of its last detection.';
COMMENT ON COLUMN v_place_tracks.near IS 'true; null where the tables do not know how near it ended: of runs without the line, or the frame''s size.';
COMMENT ON VIEW v_balance IS 'How many are inside of each place now. All figures are since the last reset.';
COMMENT ON COLUMN v_balance.place IS 'Name of the place.';
COMMENT ON COLUMN v_balance.at IS 'The present time.';
COMMENT ON COLUMN v_balance.reset IS 'The last reset.';
COMMENT ON COLUMN v_balance."in" IS 'Crossings into the place.';
COMMENT ON COLUMN v_balance."out" IS 'Crossings out of the place.';
COMMENT ON COLUMN v_balance.inside IS 'in less out, as counted: below 0 where entries were missed.';
COMMENT ON COLUMN v_balance.capacity IS 'How many may be inside; null if nothing is said.';
COMMENT ON COLUMN v_balance.lowest IS 'The lowest balance at the end of a minute, 0 at most: at least so many entries below 0 were missed.';
COMMENT ON COLUMN v_balance.blind_s IS 'Seconds in which a camera of the place processed no frame, or ran without one of its lines.';
COMMENT ON COLUMN v_balance.unclosed IS 'Tracks that ended at a line without having crossed one (v_place_tracks); null if that is not known of some.';
COMMENT ON COLUMN v_balance.dropped IS 'Frames of its cameras that were dropped because detection was too slow.';

---- create above / drop below ----

DROP VIEW v_balance;
DROP FUNCTION sightlog_balance(text, timestamptz, timestamptz, text);
DROP VIEW v_place_tracks, v_place_seconds, v_place_crossings, v_counted_lines;
DROP FUNCTION sightlog_reset(timestamptz, time, text);
DROP TABLE place_lines, places;
ALTER TABLE runs DROP COLUMN frame_width, DROP COLUMN frame_height;
