-- Totals of half hours, for views of days and months: sums of the minutes, written with them.
-- Days begin at a half hour of UTC in all time zones but three.

CREATE TABLE camera_half_hours (
    camera_id     integer     NOT NULL,
    half_hour     timestamptz NOT NULL,
    run_id        integer     NOT NULL,
    frames        bigint      NOT NULL,
    people        bigint      NOT NULL,
    max_people    integer     NOT NULL,
    seconds       bit(1800)   NOT NULL, -- bit n, from the left: a frame in second n
    seconds_count integer     NOT NULL,
    PRIMARY KEY (camera_id, half_hour, run_id)
) WITH (fillfactor = 70);
CREATE INDEX camera_half_hours_half_hour ON camera_half_hours USING brin (half_hour) WITH (pages_per_range = 16, autosummarize = on);

CREATE TABLE crossing_half_hours (
    camera_id integer     NOT NULL,
    line      text        NOT NULL,
    half_hour timestamptz NOT NULL,
    run_id    integer     NOT NULL,
    direction text        NOT NULL,
    label     text        NOT NULL,
    crossings integer     NOT NULL,
    PRIMARY KEY (camera_id, line, half_hour, run_id, direction, label)
) WITH (fillfactor = 70);
CREATE INDEX crossing_half_hours_half_hour ON crossing_half_hours USING brin (half_hour) WITH (pages_per_range = 16, autosummarize = on);

CREATE FUNCTION sightlog_half_hour(moment timestamptz) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT to_timestamp(floor(extract(epoch FROM moment) / 1800) * 1800) $$;

-- sightlog_half_hour_seconds moves the bits of a minute, of which bit n is second n, to their
-- places in its half hour.
CREATE FUNCTION sightlog_half_hour_seconds(minute timestamptz, bits bigint) RETURNS bit LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT reverse(bits::bit(60)::text)::bit(60)::bit(1800) >> (extract(epoch FROM minute)::bigint % 1800)::integer $$;

-- sightlog_add_half_hours adds totals of minutes, an element each, to those of their half hours.
CREATE FUNCTION sightlog_add_half_hours(camera_ids integer[], minutes timestamptz[], run_ids integer[], frames bigint[], people bigint[],
                                        max_people bigint[], seconds bigint[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO camera_half_hours AS h
    SELECT camera_id, half_hour, run_id, frames, people, max_people, seconds, length(replace(seconds::text, '0', ''))
    FROM (SELECT u.camera_id, sightlog_half_hour(u.minute) AS half_hour, u.run_id, sum(u.frames)::bigint AS frames, sum(u.people)::bigint AS people,
                 max(u.max_people)::integer AS max_people, bit_or(sightlog_half_hour_seconds(u.minute, u.seconds)) AS seconds
          FROM unnest($1, $2, $3, $4, $5, $6, $7) AS u(camera_id, minute, run_id, frames, people, max_people, seconds) GROUP BY 1, 2, 3) m
    ORDER BY 1, 2, 3
    ON CONFLICT (camera_id, half_hour, run_id) DO UPDATE SET
        frames = h.frames + excluded.frames, people = h.people + excluded.people, max_people = greatest(h.max_people, excluded.max_people),
        seconds = h.seconds | excluded.seconds, seconds_count = length(replace((h.seconds | excluded.seconds)::text, '0', '')) $$;

-- sightlog_rebuild_half_hours computes those anew that begin at or after a time, or contain it.
CREATE FUNCTION sightlog_rebuild_half_hours(since timestamptz) RETURNS void LANGUAGE sql AS $$
    DELETE FROM camera_half_hours h USING cameras c WHERE c.id = h.camera_id AND h.half_hour >= sightlog_half_hour(greatest($1, c.complete_from));
    INSERT INTO camera_half_hours
    SELECT camera_id, half_hour, run_id, frames, people, max_people, seconds, length(replace(seconds::text, '0', ''))
    FROM (SELECT m.camera_id, sightlog_half_hour(m.minute) AS half_hour, m.run_id, sum(m.frames)::bigint AS frames, sum(m.people)::bigint AS people,
                 max(m.max_people) AS max_people, bit_or(sightlog_half_hour_seconds(m.minute, m.seconds)) AS seconds
          FROM camera_minutes m JOIN cameras c ON c.id = m.camera_id
          WHERE m.minute >= sightlog_half_hour(greatest($1, c.complete_from)) GROUP BY 1, 2, 3) s
    ON CONFLICT DO NOTHING $$;

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

    PERFORM sightlog_rebuild_half_hours(since);

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
    DELETE FROM crossing_half_hours WHERE half_hour >= sightlog_half_hour(since);
    INSERT INTO crossing_half_hours
    SELECT camera_id, line, sightlog_half_hour(minute), run_id, direction, label, sum(crossings) FROM crossing_minutes
    WHERE minute >= sightlog_half_hour(since) GROUP BY 1, 2, 3, 4, 5, 6;
END $$;

SELECT sightlog_rebuild_half_hours('-infinity');
INSERT INTO crossing_half_hours
SELECT camera_id, line, sightlog_half_hour(minute), run_id, direction, label, sum(crossings) FROM crossing_minutes GROUP BY 1, 2, 3, 4, 5, 6;

COMMENT ON TABLE camera_half_hours IS 'Totals of each half hour (UTC) of a run: the sums of camera_minutes, for questions about days and months.';
COMMENT ON COLUMN camera_half_hours.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN camera_half_hours.half_hour IS 'Start of the half hour.';
COMMENT ON COLUMN camera_half_hours.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN camera_half_hours.frames IS 'Frames processed.';
COMMENT ON COLUMN camera_half_hours.people IS 'Sum of people over the frames.';
COMMENT ON COLUMN camera_half_hours.max_people IS 'Most people in a frame.';
COMMENT ON COLUMN camera_half_hours.seconds IS 'Bit n, counted from 0 at the left, is set if a frame of second n was processed.';
COMMENT ON COLUMN camera_half_hours.seconds_count IS 'Number of the bits that are set.';
COMMENT ON TABLE crossing_half_hours IS 'Crossings of each half hour (UTC) of a run: the sums of crossing_minutes.';
COMMENT ON COLUMN crossing_half_hours.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN crossing_half_hours.line IS 'Name of the line.';
COMMENT ON COLUMN crossing_half_hours.half_hour IS 'Start of the half hour.';
COMMENT ON COLUMN crossing_half_hours.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN crossing_half_hours.direction IS 'in or out, as in crossings.';
COMMENT ON COLUMN crossing_half_hours.label IS 'Name of the class.';
COMMENT ON COLUMN crossing_half_hours.crossings IS 'Number of crossings.';
COMMENT ON FUNCTION sightlog_half_hour(timestamptz) IS 'The half hour (UTC) that a time is in.';

---- create above / drop below ----

-- There is no way back: restore the copy that was made before, or read the log again
-- from its start with the older sightlog into an empty database.
