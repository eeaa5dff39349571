-- What pictures do not show. A camera's pictures are shown if they hide no less than its newest run
-- does: those taken before privacy was switched on stay, unseen, until they are deleted.

ALTER TABLE runs ADD COLUMN privacy text NOT NULL DEFAULT 'off' CHECK (privacy IN ('off', 'faces', 'people'));
COMMENT ON COLUMN runs.privacy IS 'What the pictures of this run do not show (--privacy): off, faces or people.';

ALTER TABLE snapshots ADD COLUMN privacy text NOT NULL DEFAULT 'off' CHECK (privacy IN ('off', 'faces', 'people'));
COMMENT ON COLUMN snapshots.privacy IS 'What it does not show: off (nothing), faces or people.';

-- "The newest run of this camera".
CREATE INDEX runs_camera_started ON runs (camera_id, started_at);

CREATE VIEW v_snapshots AS
SELECT s.run_id, s.track_id, s.crossing_seq, s.step, s.camera_id, s.captured_at, s.seq, s.score, s.quality, s.box, s.region,
       s.frame_width, s.frame_height, s.width, s.height, s.bytes, s.privacy, s.jpeg
FROM snapshots s
WHERE s.privacy = 'people'
   OR coalesce((SELECT r.privacy FROM runs r WHERE r.camera_id = s.camera_id AND r.started_at IS NOT NULL
                ORDER BY r.started_at DESC LIMIT 1), 'off') IN ('off', s.privacy);
COMMENT ON VIEW v_snapshots IS 'The pictures that may be shown: those that hide no less than the newest run of their camera does.';
COMMENT ON COLUMN v_snapshots.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN v_snapshots.track_id IS 'The track (tracks.track_id).';
COMMENT ON COLUMN v_snapshots.crossing_seq IS 'Frame of the crossing that it shows (crossings.seq); -1 of the best picture of a track.';
COMMENT ON COLUMN v_snapshots.step IS 'Of a crossing: -1 before it, 0 at it, 1 after it; 0 of others.';
COMMENT ON COLUMN v_snapshots.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN v_snapshots.captured_at IS 'Time of its frame.';
COMMENT ON COLUMN v_snapshots.seq IS 'Number of its frame in the run.';
COMMENT ON COLUMN v_snapshots.score IS 'Score of the detection that it shows; 0 where the object was not detected in that frame.';
COMMENT ON COLUMN v_snapshots.quality IS 'How sharp, large and sure it is: of two pictures of a track the greater stays.';
COMMENT ON COLUMN v_snapshots.box IS 'Box of the object: left, top, right, bottom in pixels of the frame.';
COMMENT ON COLUMN v_snapshots.region IS 'Part of the frame that the picture shows, likewise.';
COMMENT ON COLUMN v_snapshots.frame_width IS 'Width of the frame in pixels.';
COMMENT ON COLUMN v_snapshots.frame_height IS 'Height of the frame in pixels.';
COMMENT ON COLUMN v_snapshots.width IS 'Width of the picture in pixels.';
COMMENT ON COLUMN v_snapshots.height IS 'Height of the picture in pixels.';
COMMENT ON COLUMN v_snapshots.bytes IS 'Size of the picture in bytes.';
COMMENT ON COLUMN v_snapshots.privacy IS 'What it does not show: off (nothing), faces or people.';
COMMENT ON COLUMN v_snapshots.jpeg IS 'The picture, as JPEG.';

---- create above / drop below ----

DROP VIEW v_snapshots;
DROP INDEX runs_camera_started;
ALTER TABLE snapshots DROP COLUMN privacy;
ALTER TABLE runs DROP COLUMN privacy;
