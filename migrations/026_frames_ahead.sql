-- A frame whose time is ahead of the clock, as of a camera whose clock was wrong, is the newest
-- sighting only until one comes that is not: it would stay so for years.

CREATE FUNCTION sightlog_ahead(moment timestamptz) RETURNS boolean LANGUAGE sql STABLE STRICT PARALLEL SAFE AS
$$ SELECT moment > now() + interval '10 min' $$;
COMMENT ON FUNCTION sightlog_ahead(timestamptz) IS 'Whether a time is more than 10 minutes ahead of the database''s clock.';

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
    WHERE captured_at >= c.complete_from ORDER BY camera_id, sightlog_ahead(captured_at), captured_at DESC, run_id DESC, seq DESC
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

COMMENT ON TABLE latest_sightings IS 'The newest sighting of each camera. One that was more than 10 minutes ahead of the clock gives way to the next that is not.';

---- create above / drop below ----

-- There is no way back: restore the copy that was made before, or read the log again
-- from its start with the older sightlog into an empty database.
