package query

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// MaxPage is the most entries of one answer of TracksOf and CrossingsOf.
const MaxPage = 200

// Part asks for a part of a list.
type Part struct {
	Limit  int    // 1 to MaxPage
	Cursor string // Next of the page before; "" is the first page
	Staff  bool   // with tracks that a rule takes for staff
}

// TrackList is a page of tracked objects, by the time of their first detection.
type TrackList struct {
	Tracks []TrackItem `json:"tracks"`
	Next   string      `json:"next,omitempty"` // the cursor of the next page; "" after the last
}

// TrackItem is a tracked object.
type TrackItem struct {
	Camera    string    `json:"camera"`
	Run       string    `json:"run"`
	Track     int64     `json:"track_id"`
	Label     *string   `json:"label"`
	FirstAt   time.Time `json:"first_at"`
	LastAt    time.Time `json:"last_at"`
	DurationS float64   `json:"duration_s"`
	Score     float64   `json:"score"`
	Frames    int64     `json:"frames"`
	Zones     []string  `json:"zones"`
	Crossings []string  `json:"crossings"` // "in door"
	Snapshot  bool      `json:"snapshot"`  // whether a picture of it is stored
}

// CrossingList is a page of crossings of lines.
type CrossingList struct {
	Crossings []CrossingItem `json:"crossings"`
	Next      string         `json:"next,omitempty"`
}

// CrossingItem is a crossing of a line.
type CrossingItem struct {
	At        time.Time `json:"at"`
	Camera    string    `json:"camera"`
	Line      string    `json:"line"`
	Direction string    `json:"direction"`
	Label     string    `json:"label"`
	Run       string    `json:"run"`
	Track     int64     `json:"track_id"`
}

// cursor is a place in a list: the last entry before it.
type cursor struct {
	At    time.Time `json:"t"`
	Run   int32     `json:"r"`
	Seq   int64     `json:"s,omitempty"`
	Line  string    `json:"l,omitempty"`
	Track int64     `json:"n"`
}

func (c cursor) String() string {
	text, _ := json.Marshal(c) // has no error
	return base64.RawURLEncoding.EncodeToString(text)
}

func parseCursor(text string) (c cursor, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil || c.At.Year() < 1970 || c.At.Year() > 9999 {
		return c, usage.New("give the one that the page before had", "the cursor is not one of this list")
	}
	return c, nil
}

func (p Part) check() error {
	if p.Limit < 1 || p.Limit > MaxPage {
		return usage.New(fmt.Sprintf("give 1 to %d", MaxPage), "--limit %d", p.Limit)
	}
	return nil
}

// pictured reports whether a picture of a track s is stored.
const pictured = "EXISTS (SELECT FROM v_snapshots p WHERE p.run_id = s.run_id AND p.track_id = s.track_id AND p.crossing_seq = -1)"

// TracksOf returns tracks of the filter's camera, run, class and score that began in its
// time, were in its zone and crossed its line. Things are left out, and so is staff.
func TracksOf(ctx context.Context, db *pgxpool.Pool, f Filter, p Part) (*TrackList, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	f.NoStaff = !p.Staff
	s := &statement{Filter: f}
	where := s.withoutStaff(append(s.classed(s.in("first_at"), "s.class_id"), "NOT s.thing"))
	if f.MinScore > 0 {
		where = append(where, "s.score >= "+s.arg(f.MinScore)+"::real")
	}
	if f.Zone != "" {
		where = append(where, "EXISTS (SELECT FROM visits v WHERE v.run_id = s.run_id AND v.track_id = s.track_id AND v.zone = "+s.arg(f.Zone)+")")
	}
	const crossed = "SELECT x.direction || ' ' || x.line AS text, x.line, x.captured_at FROM crossings x WHERE x.captured_at >= s.first_at AND x.captured_at <= s.last_at AND x.camera_id = s.camera_id AND x.run_id = s.run_id AND x.track_id = s.track_id"
	if f.Line != "" {
		where = append(where, "EXISTS (SELECT FROM ("+crossed+") x WHERE x.line = "+s.arg(f.Line)+")")
	}
	if p.Cursor != "" {
		c, err := parseCursor(p.Cursor)
		if err != nil {
			return nil, err
		}
		where = append(where, fmt.Sprintf("s.first_at >= %[1]s AND (s.first_at, s.run_id, s.track_id) > (%[1]s, %[2]s, %[3]s)", s.arg(c.At)+"::timestamptz", s.arg(c.Run)+"::integer", s.arg(c.Track)+"::bigint"))
	}
	list := &TrackList{Tracks: []TrackItem{}}
	var t TrackItem
	var run int32
	var last cursor
	err := f.snapshotOfTracks(ctx, db, func(tx pgx.Tx) error {
		return each(ctx, tx, fmt.Sprintf(`SELECT c.name, r.run, s.run_id, s.track_id, l.label, s.first_at, s.last_at, s.score::float8, s.frames::bigint,
       ARRAY(SELECT DISTINCT v.zone FROM visits v WHERE v.run_id = s.run_id AND v.track_id = s.track_id ORDER BY 1),
       ARRAY(SELECT text FROM (%s) x ORDER BY captured_at), `+pictured+`
FROM (SELECT * FROM tracks s WHERE %s ORDER BY s.first_at, s.run_id, s.track_id LIMIT %s) s
JOIN cameras c ON c.id = s.camera_id JOIN runs r ON r.id = s.run_id
LEFT JOIN classes l ON l.run_id = s.run_id AND l.class_id = s.class_id ORDER BY s.first_at, s.run_id, s.track_id`, crossed, where, s.arg(p.Limit+1)), s.args,
			[]any{
				&t.Camera, &t.Run, &run, &t.Track, &t.Label, &t.FirstAt, &t.LastAt, &t.Score, &t.Frames, &t.Zones, &t.Crossings, &t.Snapshot,
			}, func() error {
				if len(list.Tracks) == p.Limit {
					list.Next = last.String()
					return nil
				}
				last = cursor{At: t.FirstAt.UTC(), Run: run, Track: t.Track}
				t.FirstAt, t.LastAt = t.FirstAt.UTC(), t.LastAt.UTC()
				t.DurationS = t.LastAt.Sub(t.FirstAt).Seconds()
				list.Tracks = append(list.Tracks, t)
				t.Label, t.Zones, t.Crossings = nil, nil, nil
				return nil
			})
	})
	return list, err
}

// CrossingsOf returns crossings of the filter's line, class and time, without staff.
func CrossingsOf(ctx context.Context, db *pgxpool.Pool, f Filter, p Part) (*CrossingList, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	f.NoStaff = !p.Staff
	s := &statement{Filter: f}
	where := s.withoutStaff(s.equal(s.equal(s.in("captured_at"), "s.line", f.Line), "s.label", f.label()))
	if p.Cursor != "" {
		c, err := parseCursor(p.Cursor)
		if err != nil {
			return nil, err
		}
		where = append(where, fmt.Sprintf("s.captured_at >= %[1]s AND (s.captured_at, s.run_id, s.seq, s.line, s.track_id) > (%[1]s, %[2]s, %[3]s, %[4]s, %[5]s)",
			s.arg(c.At)+"::timestamptz", s.arg(c.Run)+"::integer", s.arg(c.Seq)+"::bigint", s.arg(c.Line)+"::text", s.arg(c.Track)+"::bigint"))
	}
	list := &CrossingList{Crossings: []CrossingItem{}}
	var x CrossingItem
	var run int32
	var seq int64
	var last cursor
	err := f.snapshotOfTracks(ctx, db, func(tx pgx.Tx) error {
		return each(ctx, tx, fmt.Sprintf(`SELECT s.captured_at, c.name, s.line, s.direction, s.label, r.run, s.run_id, s.seq, s.track_id
FROM crossings s JOIN cameras c ON c.id = s.camera_id JOIN runs r ON r.id = s.run_id
WHERE %s ORDER BY s.captured_at, s.run_id, s.seq, s.line, s.track_id LIMIT %s`, where, s.arg(p.Limit+1)), s.args,
			[]any{&x.At, &x.Camera, &x.Line, &x.Direction, &x.Label, &x.Run, &run, &seq, &x.Track}, func() error {
				if len(list.Crossings) == p.Limit {
					list.Next = last.String()
					return nil
				}
				x.At = x.At.UTC()
				last = cursor{At: x.At, Run: run, Seq: seq, Line: x.Line, Track: x.Track}
				list.Crossings = append(list.Crossings, x)
				return nil
			})
	})
	return list, err
}
