-- Snapshots: pictures of tracked objects. They lie here and not beside the data directory, so that
-- whoever can ask the database can see them, and a row never outlives its picture.

CREATE TABLE snapshots (
    run_id       integer     NOT NULL,
    track_id     bigint      NOT NULL,
    crossing_seq bigint      NOT NULL DEFAULT -1,
    step         smallint    NOT NULL DEFAULT 0,
    camera_id    integer     NOT NULL,
    captured_at  timestamptz NOT NULL,
    seq          bigint      NOT NULL,
    score        real        NOT NULL,
    quality      real        NOT NULL,
    box          real[]      NOT NULL,
    region       real[]      NOT NULL,
    frame_width  integer     NOT NULL,
    frame_height integer     NOT NULL,
    width        integer     NOT NULL,
    height       integer     NOT NULL,
    bytes        integer     NOT NULL,
    jpeg         bytea       NOT NULL,
    PRIMARY KEY (run_id, track_id, crossing_seq, step)
);

-- A JPEG is compressed already.
ALTER TABLE snapshots ALTER COLUMN jpeg SET STORAGE EXTERNAL;

-- "The pictures of this camera, newest first"; what has expired.
CREATE INDEX snapshots_camera ON snapshots (camera_id, captured_at);

COMMENT ON TABLE snapshots IS 'Pictures of tracked objects (--snapshots on): the best of each track, and three around each crossing. Best effort; nothing is counted from it.';
COMMENT ON COLUMN snapshots.run_id IS 'The run (runs.id).';
COMMENT ON COLUMN snapshots.track_id IS 'The track (tracks.track_id).';
COMMENT ON COLUMN snapshots.crossing_seq IS 'Frame of the crossing that it shows (crossings.seq); -1 of the best picture of a track.';
COMMENT ON COLUMN snapshots.step IS 'Of a crossing: -1 before it, 0 at it, 1 after it; 0 of others.';
COMMENT ON COLUMN snapshots.camera_id IS 'The camera (cameras.id).';
COMMENT ON COLUMN snapshots.captured_at IS 'Time of its frame.';
COMMENT ON COLUMN snapshots.seq IS 'Number of its frame in the run.';
COMMENT ON COLUMN snapshots.score IS 'Score of the detection that it shows; 0 where the object was not detected in that frame.';
COMMENT ON COLUMN snapshots.quality IS 'How sharp, large and sure it is: of two pictures of a track the greater stays.';
COMMENT ON COLUMN snapshots.box IS 'Box of the object: left, top, right, bottom in pixels of the frame.';
COMMENT ON COLUMN snapshots.region IS 'Part of the frame that the picture shows, likewise.';
COMMENT ON COLUMN snapshots.frame_width IS 'Width of the frame in pixels.';
COMMENT ON COLUMN snapshots.frame_height IS 'Height of the frame in pixels.';
COMMENT ON COLUMN snapshots.width IS 'Width of the picture in pixels.';
COMMENT ON COLUMN snapshots.height IS 'Height of the picture in pixels.';
COMMENT ON COLUMN snapshots.bytes IS 'Size of the picture in bytes.';
COMMENT ON COLUMN snapshots.jpeg IS 'The picture, as JPEG.';

---- create above / drop below ----

DROP TABLE snapshots;
