package sink

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sightlog/sightlog/event"
)

type crossingColumns struct {
	captured               []pgtype.Timestamptz
	camera, run            []int32
	seq, track, class      []int64
	line, direction, label []string
}

func (s *Sink) addCrossing(ctx context.Context, r *rows, x *event.Crossing) error {
	camera, err := s.idCache.camera(ctx, x.Camera)
	if err != nil {
		return err
	}
	// Its topic may be read before that of the run and the sightings.
	run, err := s.idCache.run(ctx, camera, &event.Sighting{Run: x.Run, SourceKind: x.SourceKind, Model: x.Model})
	if err != nil {
		return err
	}
	c := &r.crossings
	c.captured = append(c.captured, timestamp(x.CapturedAt))
	c.camera = append(c.camera, camera)
	c.run = append(c.run, run)
	c.seq = append(c.seq, x.Seq)
	c.line = append(c.line, x.Line)
	c.track = append(c.track, x.TrackID)
	c.direction = append(c.direction, x.Direction)
	c.class = append(c.class, int64(x.ClassID))
	c.label = append(c.label, x.Label)
	return nil
}

const insertCrossings = `
INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
SELECT * FROM unnest($1::timestamptz[], $2::integer[], $3::integer[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::bigint[], $9::text[])
ON CONFLICT DO NOTHING`

func (r *rows) queueCrossings(b *pgx.Batch) {
	if c := &r.crossings; len(c.seq) > 0 {
		b.Queue(insertCrossings, c.captured, c.camera, c.run, c.seq, c.line, c.track, c.direction, c.class, c.label)
	}
}

func arrayLiterals(all [][]string) []pgtype.Text {
	literals := make([]pgtype.Text, len(all))
	for i, names := range all {
		literals[i] = arrayLiteral(names)
	}
	return literals
}

// arrayLiteral is names as PostgreSQL writes an array of text, NULL without
// any.
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
