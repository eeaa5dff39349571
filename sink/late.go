package sink

// Detections that come late, from before the last one of their track, change what is there: they
// add points to its path, and move, extend and join visits. The statements for detections in order
// refuse them (sightlog_repeated); these take them, once they were compared with the tables.

// latePath is the path of a track until computePaths does its work, if all of its rows are there. Otherwise
// the track keeps its path.
const latePath = `CASE WHEN least(tracks.first_at, excluded.first_at)
                          >= (SELECT c.complete_from FROM cameras c WHERE c.id = tracks.camera_id)
                     THEN '{}' ELSE tracks.path END`

// computePaths computes the paths of tracks that have none, as sightlog_rebuild does.
const computePaths = `
UPDATE tracks t SET path = p.path
FROM (SELECT run_id, track_id, array_agg(v ORDER BY n, k) AS path
      FROM (SELECT *, row_number() OVER (PARTITION BY run_id, track_id ORDER BY captured_at) AS n
            FROM (SELECT DISTINCT ON (d.run_id, d.track_id, date_trunc('second', captured_at))
                         d.run_id, d.track_id, captured_at, (x1 + x2) / 2 AS x, y2 AS y
                  FROM tracks l
                  JOIN detections d ON d.camera_id = l.camera_id AND d.run_id = l.run_id AND d.track_id = l.track_id
                                   AND d.captured_at BETWEEN l.first_at AND l.last_at
                  WHERE (l.run_id, l.track_id) IN (SELECT * FROM unnest($1::integer[], $2::bigint[])) AND l.path = '{}'
                  ORDER BY d.run_id, d.track_id, date_trunc('second', captured_at), captured_at, seq) f) s
      CROSS JOIN LATERAL unnest(ARRAY[x, y]) WITH ORDINALITY AS xy(v, k)
      WHERE n <= 600 GROUP BY 1, 2) p
WHERE t.run_id = p.run_id AND t.track_id = p.track_id`

// mergeVisits, with mergedVisits before it, makes one of the rows and of the visits between which
// there are ten seconds at most. One is stored if it was there before, though it may have begun later.
const (
	mergedVisits = `
added AS (SELECT * FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::bigint[])
          AS u(run_id, track_id, zone, entered_at, left_at, camera_id, frames)),
near AS (SELECT DISTINCT v.* FROM added a JOIN visits v USING (run_id, track_id, zone)
         WHERE v.entered_at <= a.left_at + interval '10 s' AND v.left_at >= a.entered_at - interval '10 s'),
merged AS (
    SELECT run_id, track_id, zone, min(entered_at) AS entered_at, max(left_at) AS left_at, min(camera_id) AS camera_id,
           sum(frames) AS frames, bool_or(stored) AS stored
    FROM (SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY run_id, track_id, zone ORDER BY entered_at, left_at) AS visit
          FROM (SELECT *, entered_at - max(left_at) OVER (PARTITION BY run_id, track_id, zone ORDER BY entered_at, left_at
                                                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > interval '10 s' AS begins
                FROM (SELECT run_id, track_id, zone, entered_at, left_at, camera_id, frames, false AS stored FROM added
                      UNION ALL SELECT run_id, track_id, zone, entered_at, left_at, camera_id, frames, true FROM near) a) s) i
    GROUP BY run_id, track_id, zone, visit),
gone AS (DELETE FROM visits v USING near n
         WHERE (v.run_id, v.track_id, v.zone, v.entered_at) = (n.run_id, n.track_id, n.zone, n.entered_at)
           AND (v.run_id, v.track_id, v.zone, v.entered_at) NOT IN (SELECT run_id, track_id, zone, entered_at FROM merged))`

	mergeVisits = `
INSERT INTO visits (run_id, track_id, zone, entered_at, left_at, camera_id, frames)
SELECT run_id, track_id, zone, entered_at, left_at, camera_id, frames FROM merged ORDER BY 1, 2, 3, 4
ON CONFLICT (run_id, track_id, zone, entered_at) DO UPDATE SET left_at = excluded.left_at, frames = excluded.frames`
)
