package sink

import (
	"cmp"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sightlog/sightlog/event"
)

// snapshotRow is a snapshot with the keys of its camera and run.
type snapshotRow struct {
	*event.Snapshot
	camera, run int32
}

// snapshotTable has one row a key: a better picture of a track takes the place of the one that is
// there, and one that comes again changes nothing, in whatever order the log is read.
var snapshotTable = newTable("snapshots AS s", `
ON CONFLICT (run_id, track_id, crossing_seq, step) DO UPDATE SET
    captured_at = excluded.captured_at, seq = excluded.seq, score = excluded.score, quality = excluded.quality, box = excluded.box,
    region = excluded.region, frame_width = excluded.frame_width, frame_height = excluded.frame_height, width = excluded.width,
    height = excluded.height, bytes = excluded.bytes, privacy = excluded.privacy, jpeg = excluded.jpeg
WHERE excluded.quality > s.quality`,
	col("run_id", "integer[]", func(s *snapshotRow) int32 { return s.run }),
	col("track_id", "bigint[]", func(s *snapshotRow) int64 { return s.TrackID }),
	col("crossing_seq", "bigint[]", func(s *snapshotRow) int64 { return s.Crossing }),
	col("step", "integer[]", func(s *snapshotRow) int32 { return int32(s.Step) }),
	col("camera_id", "integer[]", func(s *snapshotRow) int32 { return s.camera }),
	col("captured_at", "timestamptz[]", func(s *snapshotRow) pgtype.Timestamptz { return timestamp(s.CapturedAt) }),
	col("seq", "bigint[]", func(s *snapshotRow) int64 { return s.Seq }),
	col("score", "real[]", func(s *snapshotRow) float32 { return s.Score }),
	col("quality", "real[]", func(s *snapshotRow) float32 { return s.Quality }),
	arrayCol("box", "real[]", func(s *snapshotRow, to []float32) []float32 { return append(to, s.Box[:]...) }),
	arrayCol("region", "real[]", func(s *snapshotRow, to []float32) []float32 { return append(to, s.Region[:]...) }),
	col("frame_width", "bigint[]", func(s *snapshotRow) int64 { return int64(s.Frame.Width) }),
	col("frame_height", "bigint[]", func(s *snapshotRow) int64 { return int64(s.Frame.Height) }),
	col("width", "bigint[]", func(s *snapshotRow) int64 { return int64(s.Size.Width) }),
	col("height", "bigint[]", func(s *snapshotRow) int64 { return int64(s.Size.Height) }),
	col("bytes", "bigint[]", func(s *snapshotRow) int64 { return int64(len(s.JPEG)) }),
	col("privacy", "text[]", func(s *snapshotRow) string { return cmp.Or(s.Privacy, "off") }),
	col("jpeg", "bytea[]", func(s *snapshotRow) []byte { return s.JPEG }),
)

// deleteSnapshot deletes the row of a key.
const deleteSnapshot = `
DELETE FROM snapshots WHERE run_id = (SELECT r.id FROM runs r JOIN cameras c ON c.id = r.camera_id WHERE c.name = $1 AND r.run = $2)
AND track_id = $3 AND crossing_seq = $4 AND step = $5`
