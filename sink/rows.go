package sink

import (
	"cmp"
	"slices"
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
	snapshots  []snapshotRow
	erased     []*event.Snapshot
	people     int
	detections int
	endToEnd   []event.Time // grabbed_at of the sightings that have one
}

type runRow struct {
	camera int32
	*event.Run
}

// upsertRun completes the row of a run, which its first sighting may have inserted.
// An older record of the run that comes again does not reopen a run that has ended.
const upsertRun = `
INSERT INTO runs AS r (camera_id, run, source_kind, source, fingerprint, model, model_sha256, model_width, model_height, provider,
                       started_at, finished_at, outcome, damage, frames, dropped, privacy, stretches)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8::bigint, $9::bigint, $10, $11, $12, $13, $14, $15, $16, $17, $18)
ON CONFLICT (camera_id, run) DO UPDATE SET
    source_kind = excluded.source_kind, source = excluded.source, fingerprint = excluded.fingerprint,
    model = excluded.model, model_sha256 = excluded.model_sha256, model_width = excluded.model_width,
    model_height = excluded.model_height, provider = excluded.provider, started_at = excluded.started_at,
    finished_at = coalesce(excluded.finished_at, r.finished_at), outcome = coalesce(excluded.outcome, r.outcome),
    damage = CASE WHEN excluded.finished_at IS NULL THEN r.damage ELSE excluded.damage END, frames = coalesce(excluded.frames, r.frames),
    dropped = coalesce(excluded.dropped, r.dropped), privacy = excluded.privacy, stretches = excluded.stretches`

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

// queuePaths adds the statement that computes paths, if sightings may have come late.
func (r *rows) queuePaths(b *pgx.Batch) {
	if r.compared {
		totalsOf(r.sightings).queuePaths(b)
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
			text(string(r.Outcome)), text(r.Damage), frames, dropped, cmp.Or(r.Privacy, "off"), r.Stretches)
		r.queueDefinitions(b)
	}
}

// upsertDefinition stores a zone or line of a run, whose row is there.
const upsertDefinition = `
INSERT INTO definitions (camera_id, run_id, kind, name, points)
SELECT camera_id, id, $3, $4, $5 FROM runs WHERE camera_id = $1 AND run = $2
ON CONFLICT (run_id, kind, name) DO UPDATE SET points = excluded.points`

// queueDefinitions adds a statement for each zone and line of a run.
func (r *runRow) queueDefinitions(b *pgx.Batch) {
	for _, s := range r.Shapes {
		b.Queue(upsertDefinition, r.camera, r.ID, s.Kind, s.Name, coordinates(s.Points))
	}
}

// coordinates returns points as the tables have them: x, y, x, y and so on.
func coordinates(points [][2]float64) []float64 {
	all := make([]float64, 0, 2*len(points))
	for _, p := range points {
		all = append(all, p[0], p[1])
	}
	return all
}

func text(s string) pgtype.Text { return pgtype.Text{String: s, Valid: s != ""} }

func (r *rows) latencies(at time.Time) []time.Duration {
	ls := make([]time.Duration, len(r.endToEnd))
	for i, g := range r.endToEnd {
		ls[i] = at.Sub(g.Time)
	}
	return ls
}

func (r *rows) len() int {
	n := len(r.stored)
	for i := range r.stored {
		n += len(r.stored[i].Objects)
	}
	return n
}

// eraseSnapshot adds the deletion of a key. Snapshots of it that follow are inserted after it.
func (r *rows) eraseSnapshot(n *event.Snapshot) {
	key := n.Key()
	r.snapshots = slices.DeleteFunc(r.snapshots, func(s snapshotRow) bool { return s.Key() == key })
	r.erased = append(r.erased, n)
}

// queueSnapshots adds the statements of deletions and snapshots.
func (r *rows) queueSnapshots(b *pgx.Batch) {
	for _, n := range r.erased {
		b.Queue(deleteSnapshot, n.Camera, n.Run, n.TrackID, n.Crossing, n.Step)
	}
	snapshotTable.queue(b, r.snapshots)
}
