-- Pictures of stretches of ten seconds that are drawn at random (--snapshot-stretches), for audits of cameras that
-- cannot be read again. They are rows of snapshots with track 0.

ALTER TABLE runs ADD COLUMN stretches integer NOT NULL DEFAULT 0 CHECK (stretches >= 0);
COMMENT ON COLUMN runs.stretches IS 'Of how many stretches of ten seconds a day pictures were kept (--snapshot-stretches).';

COMMENT ON TABLE snapshots IS 'Pictures (--snapshots on): the best of each track, three around each crossing, and those of stretches of time (--snapshot-stretches). Best effort; nothing is counted from it.';
COMMENT ON COLUMN snapshots.track_id IS 'The track (tracks.track_id); 0 of a stretch of time.';
COMMENT ON COLUMN snapshots.crossing_seq IS 'Frame of the crossing that it shows (crossings.seq); -1 of the best picture of a track; of a stretch its number, from 0 at the beginning of the run, ten seconds each.';
COMMENT ON COLUMN snapshots.step IS 'Of a crossing: -1 before it, 0 at it, 1 after it; of a stretch the number of the picture, two a second; 0 of others.';
COMMENT ON COLUMN v_snapshots.track_id IS 'The track (tracks.track_id); 0 of a stretch of time.';
COMMENT ON COLUMN v_snapshots.crossing_seq IS 'Frame of the crossing that it shows (crossings.seq); -1 of the best picture of a track; of a stretch its number, from 0 at the beginning of the run, ten seconds each.';
COMMENT ON COLUMN v_snapshots.step IS 'Of a crossing: -1 before it, 0 at it, 1 after it; of a stretch the number of the picture, two a second; 0 of others.';

---- create above / drop below ----

DELETE FROM snapshots WHERE track_id = 0;
ALTER TABLE runs DROP COLUMN stretches;
