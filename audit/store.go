package audit

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// Drawn is an audit in the tables.
type Drawn struct {
	ID      int32
	DrawnAt time.Time
	Camera  string
	Line    string
	Sizes   Sizes
	Sample  []Unit // of an audit that was read from the tables, only their kinds
}

// Save writes an audit and its sample.
func Save(ctx context.Context, db *pgxpool.Pool, s *Subject, p *Population, seed uint64, sample []Unit) (*Drawn, error) {
	d := &Drawn{Camera: s.Camera, Line: s.Line, Sizes: p.Sizes(), Sample: sample}
	runs := make([]string, len(p.Runs))
	for i, r := range p.Runs {
		runs[i] = r.Name
	}
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		points := []float64{s.Points[0][0], s.Points[0][1], s.Points[1][0], s.Points[1][1]}
		if err := tx.QueryRow(ctx, `
			INSERT INTO audits (camera_id, line, points, since, until, runs, counted_in, counted_out, stretches, left_out, seed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id, drawn_at`,
			s.CameraID, s.Line, points, s.Since, s.Until, runs, d.Sizes.In, d.Sizes.Out, d.Sizes.Stretches, p.LeftOut, int64(seed)).
			Scan(&d.ID, &d.DrawnAt); err != nil {
			return err
		}
		b := new(pgx.Batch)
		for i, u := range sample {
			began := p.Runs[u.Run].Began
			var seq, track *int64
			if u.Kind != Stretch {
				seq, track = &u.Seq, &u.TrackID
			}
			b.Queue(`INSERT INTO audit_answers (audit_id, item, kind, run, from_at, until_at, seq, track_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
				d.ID, i+1, u.Kind, runs[u.Run], began.Add(u.From), began.Add(u.Until), seq, track)
		}
		return tx.SendBatch(ctx, b).Close()
	})
	if err != nil {
		return nil, fmt.Errorf("store the audit: %w", err)
	}
	return d, nil
}

// Answer stores the answers of a file and returns the audit with its results. Answers that
// were stored before are replaced.
func (f *File) Answer(ctx context.Context, db *pgxpool.Pool, name string) (d *Drawn, in, out Result, err error) {
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if d, err = load(ctx, tx, f, name); err != nil {
			return err
		}
		answers, err := f.For(name, d.Sample)
		if err != nil {
			return err
		}
		if err := checkEnough(d.Sizes, d.Sample, answers); err != nil {
			return err
		}
		in, out = Compute(d.Sizes, d.Sample, answers)
		return record(ctx, tx, d.ID, answers, in, out)
	})
	if err != nil && !usage.Is(err) {
		err = fmt.Errorf("store the answers: %w", err)
	}
	return d, in, out, err
}

// load reads the audit that a file is of.
func load(ctx context.Context, tx pgx.Tx, f *File, name string) (*Drawn, error) {
	d := &Drawn{ID: f.Audit}
	err := tx.QueryRow(ctx, `
		SELECT a.drawn_at, c.name, a.line, a.counted_in, a.counted_out, a.stretches FROM audits a JOIN cameras c ON c.id = a.camera_id
		WHERE a.id = $1 FOR UPDATE OF a`, f.Audit).Scan(&d.DrawnAt, &d.Camera, &d.Line, &d.Sizes.In, &d.Sizes.Out, &d.Sizes.Stretches)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !d.DrawnAt.Equal(f.DrawnAt) {
		return nil, usage.Wrap(err, "give the --data or --database-url that the audit was drawn from, or the file of its page",
			"%s: it is of audit %d drawn at %s, which is not in the database", name, f.Audit, f.DrawnAt.UTC().Format(time.RFC3339))
	}
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, "SELECT kind FROM audit_answers WHERE audit_id = $1 ORDER BY item", f.Audit)
	if err != nil {
		return nil, err
	}
	d.Sample, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (u Unit, err error) {
		err = r.Scan(&u.Kind)
		return u, err
	})
	return d, err
}

// record writes answers and results in place of those of before.
func record(ctx context.Context, tx pgx.Tx, id int32, answers []Answer, in, out Result) error {
	b := new(pgx.Batch)
	for i, a := range answers {
		var verdict *string
		var missedIn, missedOut *int
		if a.Verdict != "" {
			verdict = &a.Verdict
		}
		if a.Verdict == Missed {
			missedIn, missedOut = &a.In, &a.Out
		}
		b.Queue("UPDATE audit_answers SET answer = $3, missed_in = $4, missed_out = $5 WHERE audit_id = $1 AND item = $2", id, i+1, verdict, missedIn, missedOut)
	}
	b.Queue("UPDATE audits SET answered_at = now() WHERE id = $1", id)
	b.Queue("DELETE FROM audit_results WHERE audit_id = $1", id)
	for direction, r := range map[Kind]Result{In: in, Out: out} {
		b.Queue(`INSERT INTO audit_results VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
			id, direction, r.Counted, r.Checked, r.Correct, r.Missed, finite(r.Actual.Value), finite(r.Actual.Low), finite(r.Actual.High),
			finite(r.Accuracy.Value), finite(r.Accuracy.Low), finite(r.Accuracy.High),
			finite(r.Precision.Value), finite(r.Precision.Low), finite(r.Precision.High),
			finite(r.Recall.Value), finite(r.Recall.Low), finite(r.Recall.High))
	}
	return tx.SendBatch(ctx, b).Close()
}

// finite returns nil for a figure that is not defined or has no end.
func finite(f float64) *float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil
	}
	return &f
}
