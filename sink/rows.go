package sink

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sightlog/sightlog/event"
)

// rows are the rows of one transaction. Each table gets one statement, however many
// rows it has (columns.go).
type rows struct {
	sightings  []sightingRow   // all that are counted
	stored     []sightingRow   // those of them that become rows
	compared   bool            // each of sightings was compared with the tables
	unordered  bool            // a sighting that becomes no row does not come after the one before it
	lastSeq    map[int32]int64 // of those, by run
	crossings  []crossingRow
	runs       []runRow
	people     int
	detections int
	endToEnd   []event.Time // grabbed_at of the sightings that have one
}

type runRow struct {
	camera int32
	*event.Run
}

// collect resolves names and days and returns the rows of entries.
func (s *Sink) collect(ctx context.Context, items []entry) (*rows, error) {
	r := &rows{compared: true, lastSeq: make(map[int32]int64)}
	for i := range items {
		switch it := &items[i]; {
		case it.sighting != nil:
			r.compared = r.compared && it.compared
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
	stored := s.cfg.Store.has(g)
	if stored {
		if err := s.dayPartitions.ensure(ctx, g.CapturedAt.Time); err != nil {
			return err
		}
	}
	row := sightingRow{Sighting: g, camera: camera, run: run, people: int32(event.People(g.Objects))}
	for i := range g.Objects {
		o := &g.Objects[i]
		if err := s.idCache.class(ctx, run, *o); err != nil {
			return err
		}
		if len(o.Zones) == 0 {
			continue
		}
		set, err := s.idCache.zoneSet(ctx, o.Zones)
		if err != nil {
			return err
		}
		if row.zoneSets == nil {
			row.zoneSets = make([]*int32, len(g.Objects))
		}
		row.zoneSets[i] = &set
	}
	r.sightings = append(r.sightings, row)
	if stored {
		r.stored = append(r.stored, row)
	} else {
		last, follows := r.lastSeq[run]
		r.unordered = r.unordered || follows && g.Seq <= last
		r.lastSeq[run] = g.Seq
	}
	r.people += int(row.people)
	r.detections += len(g.Objects)
	if !g.GrabbedAt.IsZero() {
		r.endToEnd = append(r.endToEnd, g.GrabbedAt)
	}
	return nil
}

func (s *Sink) addCrossing(ctx context.Context, r *rows, x *event.Crossing) error {
	camera, err := s.idCache.camera(ctx, x.Camera)
	if err != nil {
		return err
	}
	// The topic of crossings may be read before that of the run and the sightings.
	run, err := s.idCache.run(ctx, camera, &event.Sighting{Run: x.Run, SourceKind: x.SourceKind, Model: x.Model})
	if err != nil {
		return err
	}
	r.crossings = append(r.crossings, crossingRow{x, camera, run})
	return nil
}

// upsertRun completes the row of a run, which its first sighting may have inserted.
// An older record of the run that comes again does not reopen a run that has ended.
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

// setBatch sets the id of the transaction in the sightings.
func (r *rows) setBatch(id int64) {
	for i := range r.stored {
		r.stored[i].batch = id
	}
}

// queue adds the statement that writes sightings.
func (r *rows) queue(b *pgx.Batch, id int64) {
	r.setBatch(id)
	sightingTable.queue(b, r.stored)
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

func text(s string) pgtype.Text { return pgtype.Text{String: s, Valid: s != ""} }

func (r *rows) latencies(at time.Time) []time.Duration {
	ls := make([]time.Duration, len(r.endToEnd))
	for i, g := range r.endToEnd {
		ls[i] = at.Sub(g.Time)
	}
	return ls
}
