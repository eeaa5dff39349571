package sink

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sightlog/sightlog/event"
)

// rows are the columns of one transaction, an array each: a statement a table,
// however many rows, and the database casts and judges every value.
type rows struct {
	sightings  sightingColumns
	detections detectionColumns
	crossings  crossingColumns
	runs       []runRow
	people     int
	endToEnd   []event.Time // grabbed_at of the sightings that have one
}

type sightingColumns struct {
	captured, grabbed, decoded, inferred, produced []pgtype.Timestamptz
	camera, run                                    []int32
	seq, pts, dropped, width, height, batch        []int64
	people, objects                                []int32
}

type detectionColumns struct {
	captured           []pgtype.Timestamptz
	camera, run, index []int32
	seq, class         []int64
	track              []*int64
	score              []float32
	box                [4][]float32
	zones              [][]string
}

type runRow struct {
	camera int32
	*event.Run
}

// collect resolves names and days and fills the columns from items.
func (s *Sink) collect(ctx context.Context, items []item) (*rows, error) {
	r := new(rows)
	for i := range items {
		switch it := &items[i]; {
		case it.sighting != nil:
			if err := s.addSighting(ctx, r, it.sighting); err != nil {
				return nil, err
			}
		case it.crossing != nil:
			if err := s.addCrossing(ctx, r, it.crossing); err != nil {
				return nil, err
			}
		case it.run != nil:
			camera, err := s.idCache.camera(ctx, it.run.Camera)
			if err != nil {
				return nil, err
			}
			r.runs = append(r.runs, runRow{camera, it.run})
		}
	}
	return r, nil
}

func (s *Sink) addSighting(ctx context.Context, r *rows, g *event.Sighting) error {
	camera, err := s.idCache.camera(ctx, g.Camera)
	if err != nil {
		return err
	}
	run, err := s.idCache.run(ctx, camera, g)
	if err != nil {
		return err
	}
	if err := s.dayPartitions.ensure(ctx, g.CapturedAt.Time); err != nil {
		return err
	}
	captured := timestamp(g.CapturedAt)
	people := int32(event.People(g.Objects))
	d := &r.detections
	for _, o := range g.Objects {
		if err := s.idCache.class(ctx, run, o); err != nil {
			return err
		}
		d.captured = append(d.captured, captured)
		d.camera = append(d.camera, camera)
		d.run = append(d.run, run)
		d.seq = append(d.seq, g.Seq)
		d.index = append(d.index, int32(o.Index))
		d.class = append(d.class, int64(o.ClassID))
		d.track = append(d.track, o.TrackID)
		d.score = append(d.score, o.Score)
		d.zones = append(d.zones, o.Zones)
		for i, v := range o.Box {
			d.box[i] = append(d.box[i], v)
		}
	}
	c := &r.sightings
	c.captured = append(c.captured, captured)
	c.grabbed = append(c.grabbed, timestamp(g.GrabbedAt))
	c.decoded = append(c.decoded, timestamp(g.DecodedAt))
	c.inferred = append(c.inferred, timestamp(g.InferredAt))
	c.produced = append(c.produced, timestamp(g.ProducedAt))
	c.camera = append(c.camera, camera)
	c.run = append(c.run, run)
	c.seq = append(c.seq, g.Seq)
	c.pts = append(c.pts, g.PTS)
	c.dropped = append(c.dropped, g.DroppedBefore)
	c.width = append(c.width, int64(g.Frame.Width))
	c.height = append(c.height, int64(g.Frame.Height))
	c.people = append(c.people, people)
	c.objects = append(c.objects, int32(len(g.Objects)))
	r.people += int(people)
	if !g.GrabbedAt.IsZero() {
		r.endToEnd = append(r.endToEnd, g.GrabbedAt)
	}
	return nil
}

// A run's record completes the row in any order with its sightings and with
// an older record that comes again: what has ended stays ended.
const upsertRun = `
INSERT INTO runs AS r (camera_id, run, source_kind, source, fingerprint, model, model_sha256, model_width, model_height, provider,
                       started_at, finished_at, outcome, damage, frames, dropped)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::bigint, $9::bigint, $10, $11, $12, $13, $14, $15, $16)
ON CONFLICT (camera_id, run) DO UPDATE SET
    source_kind = excluded.source_kind, source = excluded.source, fingerprint = excluded.fingerprint,
    model = excluded.model, model_sha256 = excluded.model_sha256, model_width = excluded.model_width,
    model_height = excluded.model_height, provider = excluded.provider, started_at = excluded.started_at,
    finished_at = coalesce(excluded.finished_at, r.finished_at), outcome = coalesce(excluded.outcome, r.outcome),
    damage = CASE WHEN excluded.finished_at IS NULL THEN r.damage ELSE excluded.damage END, frames = coalesce(excluded.frames, r.frames),
    dropped = coalesce(excluded.dropped, r.dropped)`

// setBatch marks the sightings with the id of their transaction.
func (r *rows) setBatch(id int64) {
	r.sightings.batch = slices.Repeat([]int64{id}, len(r.sightings.seq))
}

// queue adds the statements that write the rows, marked with batch id.
func (r *rows) queue(b *pgx.Batch, id int64) {
	r.setBatch(id)
	if len(r.sightings.seq) > 0 {
		sightingTable.queue(b, r)
	}
	if len(r.detections.seq) > 0 {
		detectionTable.queue(b, r)
	}
}

// queueRuns adds a statement for each run's record.
func (r *rows) queueRuns(b *pgx.Batch) {
	for _, r := range r.runs {
		var frames, dropped *int64
		if !r.FinishedAt.IsZero() {
			frames, dropped = &r.Frames, &r.Dropped
		}
		b.Queue(upsertRun, r.camera, r.ID, string(r.SourceKind), r.Source, r.Fingerprint, r.Model.Name, r.Model.SHA256,
			r.Model.Input[0], r.Model.Input[1], r.Model.Provider, timestamp(r.StartedAt), timestamp(r.FinishedAt),
			text(string(r.Outcome)), text(r.Damage), frames, dropped)
	}
}

func timestamp(t event.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t.Time, Valid: !t.IsZero()}
}

func text(s string) pgtype.Text { return pgtype.Text{String: s, Valid: s != ""} }

func (r *rows) latencies(at time.Time) []time.Duration {
	ls := make([]time.Duration, len(r.endToEnd))
	for i, g := range r.endToEnd {
		ls[i] = at.Sub(g.Time)
	}
	return ls
}
