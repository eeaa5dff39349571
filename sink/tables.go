package sink

import (
	"slices"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sightlog/sightlog/event"
)

// sightingRow is a sighting with the keys of its camera and run.
type sightingRow struct {
	*event.Sighting
	camera, run int32
	people      int32
	zoneSets    []*int32 // of each object, null for none; nil if no object is in a zone
	batch       int64    // id of the transaction, set by setBatch
}

func (s *sightingRow) classIDs(to []int64) []int64 {
	for i := range s.Objects {
		to = append(to, int64(s.Objects[i].ClassID))
	}
	return to
}

// boxes returns five numbers an object: the edges of its box, and its score.
func (s *sightingRow) boxes(to []float32) []float32 {
	for i := range s.Objects {
		o := &s.Objects[i]
		to = append(to, o.Box[0], o.Box[1], o.Box[2], o.Box[3], o.Score)
	}
	return to
}

// trackIDs returns none if no object is tracked.
func (s *sightingRow) trackIDs(to []*int64) []*int64 {
	tracked := false
	for i := range s.Objects {
		tracked = tracked || s.Objects[i].TrackID != nil
		to = append(to, s.Objects[i].TrackID)
	}
	if !tracked {
		return nil
	}
	return to
}

// states returns a byte for the state of each object, nil if none has one.
func (s *sightingRow) states() []byte {
	some := func(o event.Object) bool { return o.State != "" }
	if !slices.ContainsFunc(s.Objects, some) {
		return nil
	}
	return collect(s.Objects, func(o *event.Object) byte { return byte(slices.Index(states, o.State)) })
}

// states are those of an object, by their number in the tables.
var states = []string{"", event.StateNew, event.StateStationary, event.StateThing}

type crossingRow struct {
	*event.Crossing
	camera, run int32
}

// The tables whose rows are written in the transaction of their records. The
// database casts each value to the column's type and checks it: a value out of range
// is the record's error, not a silent truncation here.
var (
	sightingTable = newTable("sightings", "",
		col("camera_id", "integer[]", func(s *sightingRow) int32 { return s.camera }),
		col("captured_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.CapturedAt) }),
		col("run_id", "integer[]", func(s *sightingRow) int32 { return s.run }),
		col("seq", "bigint[]", func(s *sightingRow) int64 { return s.Seq }),
		col("pts_us", "bigint[]", func(s *sightingRow) int64 { return s.PTS }),
		col("grabbed_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.GrabbedAt) }),
		col("decoded_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.DecodedAt) }),
		col("inferred_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.InferredAt) }),
		col("produced_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.ProducedAt) }),
		col("batch_id", "bigint[]", func(s *sightingRow) int64 { return s.batch }),
		col("dropped_before", "bigint[]", func(s *sightingRow) int64 { return s.DroppedBefore }),
		col("width", "bigint[]", func(s *sightingRow) int64 { return int64(s.Frame.Width) }),
		col("height", "bigint[]", func(s *sightingRow) int64 { return int64(s.Frame.Height) }),
		col("people", "integer[]", func(s *sightingRow) int32 { return s.people }),
		col("objects", "integer[]", func(s *sightingRow) int32 { return int32(len(s.Objects)) }),
		arrayCol("class_ids", "smallint[]", (*sightingRow).classIDs),
		arrayCol("boxes", "real[]", (*sightingRow).boxes),
		arrayCol("track_ids", "integer[]", (*sightingRow).trackIDs),
		arrayCol("zone_set_ids", "integer[]", func(s *sightingRow, _ []*int32) []*int32 { return s.zoneSets }),
		col("states", "bytea[]", (*sightingRow).states),
	)
	crossingTable = newCrossingTable("")
)

// newCrossingTable returns the table of crossings. Their minutes are counted with the rows
// that were inserted; also is another part of the statement that does something with them.
func newCrossingTable(also string) *table[crossingRow] {
	return newTable("crossings", "ON CONFLICT DO NOTHING",
		col("captured_at", "timestamptz[]", func(x *crossingRow) pgtype.Timestamptz { return timestamp(x.CapturedAt) }),
		col("camera_id", "integer[]", func(x *crossingRow) int32 { return x.camera }),
		col("run_id", "integer[]", func(x *crossingRow) int32 { return x.run }),
		col("seq", "bigint[]", func(x *crossingRow) int64 { return x.Seq }),
		col("line", "text[]", func(x *crossingRow) string { return x.Line }),
		col("track_id", "bigint[]", func(x *crossingRow) int64 { return x.TrackID }),
		col("direction", "text[]", func(x *crossingRow) string { return x.Direction }),
		col("class_id", "bigint[]", func(x *crossingRow) int64 { return int64(x.ClassID) }),
		col("label", "text[]", func(x *crossingRow) string { return x.Label }),
	).counted(also + `, half_hours AS (
INSERT INTO crossing_half_hours
SELECT camera_id, line, sightlog_half_hour(captured_at), run_id, direction, label, count(*)
FROM inserted GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (camera_id, line, half_hour, run_id, direction, label)
DO UPDATE SET crossings = crossing_half_hours.crossings + excluded.crossings)
INSERT INTO crossing_minutes
SELECT camera_id, line, date_trunc('minute', captured_at, 'UTC'), run_id, direction, label, count(*)
FROM inserted GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
ON CONFLICT (camera_id, line, minute, run_id, direction, label) DO UPDATE SET crossings = crossing_minutes.crossings + excluded.crossings`)
}

func timestamp(t event.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t.Time, Valid: !t.IsZero()}
}
