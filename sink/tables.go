package sink

import (
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sightlog/sightlog/event"
)

// sightingRow is a sighting with the keys of its camera and run.
type sightingRow struct {
	*event.Sighting
	camera, run int32
	people      int32
	batch       int64 // id of the transaction, set by setBatch
}

// detectionRow is one object of a sighting.
type detectionRow struct {
	*event.Object
	sighting    *event.Sighting
	camera, run int32
}

type crossingRow struct {
	*event.Crossing
	camera, run int32
}

// The tables whose rows are written in the transaction of their records. The
// database casts each value to the column's type and checks it: a value out of range
// is the record's error, not a silent truncation here.
var (
	sightingTable = newTable("sightings", "",
		col("captured_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.CapturedAt) }),
		col("camera_id", "integer[]", func(s *sightingRow) int32 { return s.camera }),
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
	)
	detectionTable = newTable("detections", "",
		col("captured_at", "timestamptz[]", func(d *detectionRow) pgtype.Timestamptz { return timestamp(d.sighting.CapturedAt) }),
		col("camera_id", "integer[]", func(d *detectionRow) int32 { return d.camera }),
		col("run_id", "integer[]", func(d *detectionRow) int32 { return d.run }),
		col("seq", "bigint[]", func(d *detectionRow) int64 { return d.sighting.Seq }),
		col("object_index", "integer[]", func(d *detectionRow) int32 { return int32(d.Index) }),
		col("class_id", "bigint[]", func(d *detectionRow) int64 { return int64(d.ClassID) }),
		col("score", "real[]", func(d *detectionRow) float32 { return d.Score }),
		col("x1", "real[]", func(d *detectionRow) float32 { return d.Box[0] }),
		col("y1", "real[]", func(d *detectionRow) float32 { return d.Box[1] }),
		col("x2", "real[]", func(d *detectionRow) float32 { return d.Box[2] }),
		col("y2", "real[]", func(d *detectionRow) float32 { return d.Box[3] }),
		col("track_id", "bigint[]", func(d *detectionRow) *int64 { return d.TrackID }),
		// unnest takes no array of arrays of different lengths, so INSERT sends each
		// as text.
		column[detectionRow]{
			name: "zones", array: "text[]", cast: "::text[]",
			all: func(rows []detectionRow) any {
				return collect(rows, func(d *detectionRow) pgtype.Text { return arrayLiteral(d.Zones) })
			},
			one: func(d *detectionRow) any { return d.Zones },
		},
	)
	crossingTable = newTable("crossings", "ON CONFLICT DO NOTHING",
		col("captured_at", "timestamptz[]", func(x *crossingRow) pgtype.Timestamptz { return timestamp(x.CapturedAt) }),
		col("camera_id", "integer[]", func(x *crossingRow) int32 { return x.camera }),
		col("run_id", "integer[]", func(x *crossingRow) int32 { return x.run }),
		col("seq", "bigint[]", func(x *crossingRow) int64 { return x.Seq }),
		col("line", "text[]", func(x *crossingRow) string { return x.Line }),
		col("track_id", "bigint[]", func(x *crossingRow) int64 { return x.TrackID }),
		col("direction", "text[]", func(x *crossingRow) string { return x.Direction }),
		col("class_id", "bigint[]", func(x *crossingRow) int64 { return int64(x.ClassID) }),
		col("label", "text[]", func(x *crossingRow) string { return x.Label }),
	)
)

// arrayLiteral returns names as PostgreSQL writes an array of text, NULL if there are
// none.
func arrayLiteral(names []string) pgtype.Text {
	if len(names) == 0 {
		return pgtype.Text{}
	}
	var b strings.Builder
	for i, n := range names {
		b.WriteByte("{,"[min(i, 1)])
		b.WriteByte('"')
		escape.WriteString(&b, n) //nolint:errcheck // a Builder takes everything
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return pgtype.Text{String: b.String(), Valid: true}
}

var escape = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func timestamp(t event.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t.Time, Valid: !t.IsZero()}
}
