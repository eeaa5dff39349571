package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/usage"
)

// Timeline is what each camera saw in the buckets of a time. Lists have an entry for each
// of At, null where the camera processed no frame.
type Timeline struct {
	Since   time.Time   `json:"since"`
	Until   time.Time   `json:"until"`
	Bucket  string      `json:"bucket"` // 1m, 5m, 1h or 1d
	At      []time.Time `json:"at"`     // beginnings of the buckets
	Cameras []Lane      `json:"cameras"`
}

// Lane is a camera of a Timeline.
type Lane struct {
	Camera  string     `json:"camera"`
	First   *time.Time `json:"first"` // the first minute with a frame ever
	Last    *time.Time `json:"last"`
	Frames  []*int64   `json:"frames"`
	Watched []*float64 `json:"watched"` // part of the bucket
	Average []*float64 `json:"average"` // people in a frame
	Most    []*int64   `json:"most"`
	In      []*int64   `json:"in"`
	Out     []*int64   `json:"out"`
}

// The longest time that buckets of each length are given for.
var timelineSteps = []struct {
	bucket, unit string
	step         string // of a series that meets every bucket
	longest      time.Duration
}{
	{"1m", "minute", "1 min", 6 * time.Hour},
	{"5m", "", "5 min", 26 * time.Hour},
	{"1h", "hour", "30 min", 9 * 24 * time.Hour},
	{"1d", "day", "30 min", 1100 * 24 * time.Hour},
}

// TimelineOf returns the timeline of the filter's time, in buckets that fit its length, of
// its camera and with the people of its zone and the crossings of its line.
func TimelineOf(ctx context.Context, db *pgxpool.Pool, f Filter) (*Timeline, error) {
	span := f.Until.Sub(f.Since)
	if f.Since.IsZero() || f.Until.IsZero() || span <= 0 {
		return nil, usage.New("give --since and --until, the later one second", "a timeline has a beginning and an end")
	}
	for _, step := range timelineSteps {
		if span <= step.longest {
			q := &timelineQuery{bucket: step.bucket, unit: step.unit, step: step.step, places: make(map[int64]int), lanes: make(map[int32]*Lane)}
			q.t = &Timeline{Since: f.Since.UTC(), Until: f.Until.UTC(), Bucket: step.bucket}
			err := f.snapshot(ctx, db, func(tx pgx.Tx) error { return q.ask(ctx, tx, f) })
			return q.t, err
		}
	}
	return nil, usage.New("ask for three years at most", "--since and --until are %s apart", span)
}

type timelineQuery struct {
	bucket, unit, step string
	t                  *Timeline
	places             map[int64]int // of the buckets, by their Unix times
	lanes              map[int32]*Lane
}

// trunc returns the beginning of a time's bucket.
func (q *timelineQuery) trunc(time string) string {
	if q.unit == "" {
		return "to_timestamp(floor(date_part('epoch', " + time + ") / 300) * 300)" // in float8; extract is numeric, and slow
	}
	return "date_trunc('" + q.unit + "', " + time + ")"
}

func (q *timelineQuery) ask(ctx context.Context, tx pgx.Tx, f Filter) error {
	var at time.Time
	if err := each(ctx, tx, fmt.Sprintf("SELECT DISTINCT b FROM (SELECT %s AS b FROM generate_series(%s, $2::timestamptz - interval '1 us', '%s') t) x ORDER BY 1",
		q.trunc("t"), q.trunc("$1::timestamptz"), q.step), []any{f.Since, f.Until}, []any{&at}, func() error {
		q.places[at.Unix()] = len(q.t.At)
		q.t.At = append(q.t.At, at.UTC())
		return nil
	}); err != nil {
		return err
	}
	for _, part := range []func(context.Context, pgx.Tx, Filter) error{q.cameras, q.watched, q.crossings} {
		if err := part(ctx, tx, f); err != nil {
			return err
		}
	}
	q.t.Cameras = make([]Lane, 0, len(q.lanes))
	for _, lane := range q.lanes {
		q.t.Cameras = append(q.t.Cameras, *lane)
	}
	slices.SortFunc(q.t.Cameras, func(a, b Lane) int { return natural.Compare(a.Camera, b.Camera) })
	return nil
}

// cameras makes a lane for each: a camera that was not watched has one as well.
func (q *timelineQuery) cameras(ctx context.Context, tx pgx.Tx, f Filter) error {
	s := &statement{Filter: Filter{Camera: f.Camera}}
	where := s.equal(nil, "c.name", f.Camera)
	if f.Zone != "" {
		where = append(where, "EXISTS (SELECT FROM zone_minutes h WHERE h.camera_id = c.id AND h.zone = "+s.arg(f.Zone)+")")
	}
	if f.Line != "" {
		where = append(where, "EXISTS (SELECT FROM crossing_minutes h WHERE h.camera_id = c.id AND h.line = "+s.arg(f.Line)+")")
	}
	var id int32
	var name string
	var first, last *time.Time
	return each(ctx, tx, `SELECT c.id, c.name, (SELECT min(minute) FROM camera_minutes m WHERE m.camera_id = c.id),
       (SELECT captured_at FROM latest_sightings l WHERE l.camera_id = c.id)
FROM cameras c WHERE `+where.String(), s.args, []any{&id, &name, &first, &last}, func() error {
		n := len(q.t.At)
		q.lanes[id] = &Lane{Camera: name, First: utc(first), Last: utc(last), Frames: make([]*int64, n), Watched: make([]*float64, n),
			Average: make([]*float64, n), Most: make([]*int64, n), In: make([]*int64, n), Out: make([]*int64, n)}
		return nil
	})
}

// coarse reports whether half hours have all of the buckets' figures: not of buckets that are
// shorter, or of the few time zones whose days begin at a quarter of an hour.
func (q *timelineQuery) coarse() bool {
	return (q.bucket == "1h" || q.bucket == "1d") && !slices.ContainsFunc(q.t.At, func(at time.Time) bool { return at.Unix()%1800 != 0 })
}

// watched asks for the frames and people.
func (q *timelineQuery) watched(ctx context.Context, tx pgx.Tx, f Filter) error {
	s := &statement{Filter: Filter{Camera: f.Camera, Since: f.Since, Until: f.Until}}
	var from string
	if f.Zone == "" {
		from = s.watched(q.coarse())
	} else {
		from = s.watchedZone(f.Zone)
	}
	var id int32
	var at time.Time
	var frames, people, most, seconds int64
	return each(ctx, tx, fmt.Sprintf("SELECT camera_id, %s, %s, %s, max(most)::bigint, sum(seconds)::bigint FROM (%s) m GROUP BY 1, 2",
		q.trunc("at"), sum("frames"), sum("people"), from),
		s.args, []any{&id, &at, &frames, &people, &most, &seconds}, func() error {
			lane, i := q.lanes[id], q.places[at.Unix()]
			if lane == nil || frames == 0 {
				return nil
			}
			lane.Frames[i], lane.Most[i], lane.In[i], lane.Out[i] = new(frames), new(most), new(int64), new(int64)
			lane.Average[i] = new(float64(people) / float64(frames))
			lane.Watched[i] = new(float64(seconds) / q.end(i).Sub(q.t.At[i]).Seconds())
			return nil
		})
}

// end returns the end of a bucket.
func (q *timelineQuery) end(i int) time.Time {
	switch {
	case i+1 < len(q.t.At):
		return q.t.At[i+1]
	case q.bucket == "1m":
		return q.t.At[i].Add(time.Minute)
	case q.bucket == "5m":
		return q.t.At[i].Add(5 * time.Minute)
	case q.bucket == "1h":
		return q.t.At[i].Add(time.Hour)
	}
	return q.t.At[i].Add(24 * time.Hour)
}

// crossings asks for those of people. One may be there before its frame is.
func (q *timelineQuery) crossings(ctx context.Context, tx pgx.Tx, f Filter) error {
	s := &statement{Filter: Filter{Camera: f.Camera, Line: f.Line, Since: f.Since, Until: f.Until}}
	var id int32
	var at time.Time
	var in, out int64
	return each(ctx, tx, fmt.Sprintf(`SELECT camera_id, %s, coalesce(sum(crossings) FILTER (WHERE direction = 'in'), 0)::bigint,
       coalesce(sum(crossings) FILTER (WHERE direction = 'out'), 0)::bigint
FROM (%s) x GROUP BY 1, 2`, q.trunc("at"), s.peopleCrossed(q.coarse())),
		s.args, []any{&id, &at, &in, &out}, func() error {
			if lane := q.lanes[id]; lane != nil {
				i := q.places[at.Unix()]
				lane.In[i], lane.Out[i] = new(in), new(out)
			}
			return nil
		})
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
