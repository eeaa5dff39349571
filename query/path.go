package query

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	maxPathFrames = 20_000 // detections of a track that are read
	maxPathPoints = 400    // points of a path
)

// TrackPath is a tracked object with the path that it took, in parts of the frame's width
// and height.
type TrackPath struct {
	Camera    string         `json:"camera"`
	Run       string         `json:"run"`
	Track     int64          `json:"track_id"`
	Label     *string        `json:"label"`
	FirstAt   time.Time      `json:"first_at"`
	LastAt    time.Time      `json:"last_at"`
	Score     float64        `json:"score"`
	Frames    int64          `json:"frames"`
	Width     *int64         `json:"width"` // of the frame, in pixels; null if it is not known
	Height    *int64         `json:"height"`
	Points    []PathPoint    `json:"points"`
	Source    string         `json:"source"`  // detections, or totals where these have expired: a point a second, without boxes
	Partial   bool           `json:"partial"` // the track is longer than its path
	Snapshot  bool           `json:"snapshot"`
	Visits    []PathVisit    `json:"visits"`
	Crossings []CrossingItem `json:"crossings"`
}

// PathPoint is where the feet were (the middle of the lower edge of the box).
type PathPoint struct {
	S      float64  `json:"s"` // seconds since FirstAt; of totals the number of the point
	X      float64  `json:"x"`
	Y      float64  `json:"y"`
	Width  *float64 `json:"w,omitempty"` // of the box
	Height *float64 `json:"h,omitempty"`
}

// PathVisit is a stay in a zone.
type PathVisit struct {
	Zone   string    `json:"zone"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	DwellS float64   `json:"dwell_s"`
}

// PathOf returns a track of the filter's run, with the visits and crossings of its recount; nil if
// there is none.
func PathOf(ctx context.Context, db *pgxpool.Pool, f Filter, track int64) (p *TrackPath, err error) {
	run := f.Run
	err = Filter{Recount: f.Recount}.snapshotOfTracks(ctx, db, func(tx pgx.Tx) error {
		q := pathQuery{p: &TrackPath{Run: run, Track: track, Points: []PathPoint{}, Visits: []PathVisit{}, Crossings: []CrossingItem{}}}
		err := q.ask(ctx, tx)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		p = q.p
		return err
	})
	return p, err
}

type pathQuery struct {
	p           *TrackPath
	run, camera int32
	first, last time.Time
	path        []float32
}

func (q *pathQuery) ask(ctx context.Context, tx pgx.Tx) error {
	p := q.p
	if err := tx.QueryRow(ctx, `SELECT s.run_id, s.camera_id, s.first_at, s.last_at, c.name, l.label, s.score::float8, s.frames::bigint, r.frame_width::bigint, r.frame_height::bigint, s.path, `+pictured+`
FROM runs r JOIN tracks s ON s.run_id = r.id JOIN cameras c ON c.id = s.camera_id
LEFT JOIN classes l ON l.run_id = s.run_id AND l.class_id = s.class_id
WHERE r.run = $1 AND s.track_id = $2 ORDER BY r.id LIMIT 1`, pgx.QueryExecModeExec, p.Run, p.Track).
		Scan(&q.run, &q.camera, &q.first, &q.last, &p.Camera, &p.Label, &p.Score, &p.Frames,
			&p.Width, &p.Height, &q.path, &p.Snapshot); err != nil {
		return err
	}
	p.FirstAt, p.LastAt = q.first.UTC(), q.last.UTC()
	for _, part := range []func(context.Context, pgx.Tx) error{q.detections, q.visits, q.crossings} {
		if err := part(ctx, tx); err != nil {
			return err
		}
	}
	if len(p.Points) == 0 {
		q.fromTotals()
	}
	p.Points = thin(p.Points, maxPathPoints)
	return nil
}

// detections reads the track's boxes by the primary key of the sightings.
func (q *pathQuery) detections(ctx context.Context, tx pgx.Tx) error {
	var at time.Time
	var x1, y1, x2, y2, width, height float64
	n := 0
	q.p.Source = "detections"
	return each(ctx, tx, `SELECT s.captured_at, s.boxes[5 * i - 4]::float8, s.boxes[5 * i - 3]::float8, s.boxes[5 * i - 2]::float8, s.boxes[5 * i - 1]::float8, s.width::float8, s.height::float8
FROM (SELECT *, array_position(s.track_ids, $1::integer) AS i FROM sightings s
      WHERE s.camera_id = $2 AND s.captured_at >= $3 AND s.captured_at <= $4 AND s.run_id = $5 AND s.track_ids @> ARRAY[$1::integer]
      ORDER BY s.captured_at LIMIT $6) s ORDER BY s.captured_at`,
		[]any{q.p.Track, q.camera, q.first, q.last, q.run, maxPathFrames + 1}, []any{&at, &x1, &y1, &x2, &y2, &width, &height}, func() error {
			if n++; n > maxPathFrames {
				q.p.Partial = true
				return nil
			}
			if width <= 0 || height <= 0 {
				return nil
			}
			q.p.Points = append(q.p.Points, PathPoint{S: at.Sub(q.first).Seconds(), X: (x1 + x2) / 2 / width, Y: y2 / height,
				Width: new((x2 - x1) / width), Height: new((y2 - y1) / height)})
			return nil
		})
}

// fromTotals takes the path that the totals keep.
func (q *pathQuery) fromTotals() {
	q.p.Source, q.p.Partial = "totals", len(q.path) >= 1200
	if q.p.Width == nil || q.p.Height == nil || *q.p.Width <= 0 || *q.p.Height <= 0 {
		return
	}
	for i := 0; i+1 < len(q.path); i += 2 {
		x, y := float64(q.path[i])/float64(*q.p.Width), float64(q.path[i+1])/float64(*q.p.Height)
		q.p.Points = append(q.p.Points, PathPoint{S: float64(i / 2), X: x, Y: y})
	}
}

func (q *pathQuery) visits(ctx context.Context, tx pgx.Tx) error {
	var v PathVisit
	return each(ctx, tx, "SELECT zone, entered_at, left_at FROM visits WHERE run_id = $1 AND track_id = $2 ORDER BY entered_at, zone LIMIT 1000", []any{q.run, q.p.Track},
		[]any{&v.Zone, &v.From, &v.To}, func() error {
			v.DwellS = v.To.Sub(v.From).Seconds()
			v.From, v.To = v.From.UTC(), v.To.UTC()
			q.p.Visits = append(q.p.Visits, v)
			return nil
		})
}

func (q *pathQuery) crossings(ctx context.Context, tx pgx.Tx) error {
	x := CrossingItem{Camera: q.p.Camera, Run: q.p.Run, Track: q.p.Track}
	return each(ctx, tx, `SELECT captured_at, line, direction, label FROM crossings
WHERE captured_at >= $1 AND captured_at <= $2 AND camera_id = $3 AND run_id = $4 AND track_id = $5 ORDER BY captured_at, line LIMIT 1000`,
		[]any{q.first, q.last, q.camera, q.run, q.p.Track}, []any{&x.At, &x.Line, &x.Direction, &x.Label}, func() error {
			x.At = x.At.UTC()
			q.p.Crossings = append(q.p.Crossings, x)
			return nil
		})
}

// thin leaves at most so many points: those from which the others deviate least
// (Ramer 1972, Douglas and Peucker 1973, with the tolerance that leaves so few).
func thin(points []PathPoint, most int) []PathPoint {
	if len(points) <= most {
		return points
	}
	weights := make([]float64, len(points)) // the tolerance below which a point stays
	weights[0], weights[len(points)-1] = math.Inf(1), math.Inf(1)
	type part struct {
		from, to int
		least    float64 // weight of the ends: a point within never outweighs them
	}
	for open := []part{{0, len(points) - 1, math.Inf(1)}}; len(open) > 0; {
		p := open[len(open)-1]
		open = open[:len(open)-1]
		far, at := -1.0, 0
		for i := p.from + 1; i < p.to; i++ {
			if d := deviation(points[i], points[p.from], points[p.to]); d > far {
				far, at = d, i
			}
		}
		if at == 0 {
			continue
		}
		weights[at] = min(far, p.least)
		open = append(open, part{p.from, at, weights[at]}, part{at, p.to, weights[at]})
	}
	low, high := 0.0, 2.0
	for range 50 {
		if middle := (low + high) / 2; above(weights, middle) > most {
			low = middle
		} else {
			high = middle
		}
	}
	kept := make([]PathPoint, 0, most)
	for i, w := range weights {
		if w > high {
			kept = append(kept, points[i])
		}
	}
	return kept
}

func above(weights []float64, least float64) (n int) {
	for _, w := range weights {
		if w > least {
			n++
		}
	}
	return n
}

// deviation is the distance of a point from the straight way between two others.
func deviation(p, a, b PathPoint) float64 {
	dx, dy := b.X-a.X, b.Y-a.Y
	length := dx*dx + dy*dy
	t := 0.0
	if length > 0 {
		t = min(1, max(0, ((p.X-a.X)*dx+(p.Y-a.Y)*dy)/length))
	}
	return math.Hypot(p.X-a.X-t*dx, p.Y-a.Y-t*dy)
}
