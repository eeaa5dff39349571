package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// Read returns the population of the subject in runs.
func Read(ctx context.Context, db *pgxpool.Pool, s *Subject, runs []Run) (*Population, error) {
	p := &Population{Units: make(map[Kind][]Unit), snapshots: s.Snapshots}
	sampled := s.Snapshots && slices.ContainsFunc(runs, func(r Run) bool { return r.Stretches > 0 })
	for _, run := range runs {
		if sampled && run.Stretches == 0 {
			p.OtherRuns++
			continue
		}
		if err := p.read(ctx, db, s, run); err != nil {
			return nil, fmt.Errorf("read run %s: %w", run.Name, err)
		}
	}
	if s.Snapshots && len(p.Units[In])+len(p.Units[Out])+len(p.Units[Stretch]) == 0 {
		return nil, usage.New("run with --snapshots on, and audit within the time for which they are kept (--keep snapshots=)",
			"line %s of camera %s: no crossing in that time has pictures", s.Line, s.Camera)
	}
	if n := p.Sizes(); n.In+n.Out+max(0, n.Stretches) == 0 {
		return nil, usage.New("give another --since and --until, or another --line",
			"line %s of camera %s: no crossing in that time, and no detection near the line in the tables (--keep, --store)", s.Line, s.Camera)
	}
	return p, nil
}

// read adds a run, if the tables have frames of it.
func (p *Population) read(ctx context.Context, db *pgxpool.Pool, s *Subject, run Run) error {
	r := reading{db: db, subject: s, run: run, index: len(p.Runs), since: s.Since}
	err := db.QueryRow(ctx, "SELECT captured_at - pts_us * interval '1 us'"+frames+" LIMIT 1", r.args()...).Scan(&r.run.Began)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	p.Runs = append(p.Runs, r.run)
	var kept map[int64]bool
	if s.Snapshots {
		if kept, err = r.pictures(ctx); err != nil {
			return err
		}
	}
	near, err := r.near(ctx)
	if err != nil {
		return err
	}
	switch units, leftOut := near.units(r.index); {
	case !s.Snapshots:
		p.Units[Stretch], p.LeftOut = append(p.Units[Stretch], units...), p.LeftOut+leftOut
	case run.Stretches > 0:
		p.Near, p.LeftOut = p.Near+len(units), p.LeftOut+leftOut
		for _, u := range units {
			switch {
			case kept[u.number()]:
				p.Units[Stretch] = append(p.Units[Stretch], u)
			case event.StretchDrawn(run.Name, u.number(), run.Stretches):
				p.LostOnes++
			}
		}
	}
	return r.crossings(ctx, func(u Unit, pictured bool) {
		switch {
		case s.Snapshots && !pictured:
			p.NoPictures++
			p.unpictured = append(p.unpictured, u)
		case u.From < near.first: // nor are there stretches in which others may have been missed
			p.Expired++
		default:
			p.Units[u.Kind] = append(p.Units[u.Kind], u)
		}
	})
}

// reading is one run that is being read.
type reading struct {
	db      *pgxpool.Pool
	subject *Subject
	run     Run
	index   int       // of the run in Population.Runs
	since   time.Time // the audited time of the run begins
}

// frames are the sightings of the audited time; its arguments are args.
const frames = ` FROM sightings WHERE camera_id = $1 AND run_id = $2 AND captured_at >= $3 AND captured_at < $4`

func (r *reading) args() []any {
	return []any{r.subject.CameraID, r.run.ID, r.since, r.subject.Until}
}

// thingState is the number that the tables have for event.StateThing: an object that never moved cannot
// cross the line.
const thingState = 3

// near returns the stretches of the run.
func (r *reading) near(ctx context.Context) (*stretches, error) {
	near := newStretches(max(0, r.since.Sub(r.run.Began)), r.subject.Until.Sub(r.run.Began))
	rows, err := r.db.Query(ctx, "SELECT pts_us, width, height, boxes, states"+frames+" ORDER BY captured_at", r.args()...)
	if err != nil {
		return nil, err
	}
	var pts int64
	var size event.Size
	var boxes []float32
	var states []byte
	_, err = pgx.ForEachRow(rows, []any{&pts, &size.Width, &size.Height, &boxes, &states}, func() error {
		found := false
		for i := 0; i+4 < len(boxes) && !found; i += 5 { // the fifth is the score
			thing := states != nil && states[i/5] == thingState
			found = !thing && r.subject.Points.Near(event.Box(boxes[i:i+4]), size)
		}
		near.add(time.Duration(pts)*time.Microsecond, found)
		return nil
	})
	return near, err
}

// crossings calls add with each counted crossing of the run, and whether it has pictures.
func (r *reading) crossings(ctx context.Context, add func(u Unit, pictured bool)) error {
	rows, err := r.db.Query(ctx, `SELECT captured_at, seq, track_id, direction, EXISTS (SELECT FROM v_snapshots n WHERE n.run_id = x.run_id
			AND n.track_id = x.track_id AND n.crossing_seq = x.seq)
		FROM crossings x WHERE camera_id = $1 AND run_id = $2 AND captured_at >= $3 AND captured_at < $4 AND line = $5
		ORDER BY captured_at, track_id`,
		r.subject.CameraID, r.run.ID, r.subject.Since, r.subject.Until, r.subject.Line)
	if err != nil {
		return err
	}
	u := Unit{Run: r.index}
	var at time.Time
	var pictured bool
	_, err = pgx.ForEachRow(rows, []any{&at, &u.Seq, &u.TrackID, &u.Kind, &pictured}, func() error {
		u.From = at.Sub(r.run.Began)
		u.Until = u.From
		add(u, pictured)
		return nil
	})
	return err
}

// pictures returns the numbers of the stretches of which there are pictures. The audited time begins with
// the oldest picture that is left: of what was before it, pictures may have been deleted.
func (r *reading) pictures(ctx context.Context) (kept map[int64]bool, err error) {
	var oldest *time.Time
	err = r.db.QueryRow(ctx, "SELECT min(captured_at) FROM v_snapshots WHERE run_id = $1 AND camera_id = $2", r.run.ID, r.subject.CameraID).Scan(&oldest)
	if err != nil {
		return nil, err
	}
	if oldest != nil && oldest.After(r.since) {
		r.since = *oldest
	}
	rows, err := r.db.Query(ctx, "SELECT DISTINCT crossing_seq FROM v_snapshots WHERE run_id = $1 AND track_id = $2", r.run.ID, event.StretchTrack)
	if err != nil {
		return nil, err
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	kept = make(map[int64]bool, len(numbers))
	for _, n := range numbers {
		kept[n] = true
	}
	return kept, err
}
