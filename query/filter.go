package query

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sightlog/sightlog/usage"
)

// Filter narrows a query. Its zero value does not narrow it. Each field is a flag, by
// whose name a Report lists it.
type Filter struct {
	Camera   string        // camera
	Run      string        // run
	Zone     string        // zone
	Line     string        // line
	Place    string        // place
	Class    string        // class: a label
	Since    time.Time     // since: of the event, inclusive
	Until    time.Time     // until: of the event, exclusive
	MinScore float64       // min-score: 0 to 1; compared as the tables have scores, in 32 bits
	Bucket   string        // bucket: 1m, 1h or 1d; "" is the report's own
	TZ       string        // tz: where days begin, and in which times are shown; "" is UTC
	Gap      time.Duration // gap: the shortest gap; 0 is DefaultGap
	Top      int           // top: how many buckets; 0 is DefaultTop
	MinDwell time.Duration // min-dwell: the shortest visit
	Grid     int           // grid: cells in each direction; 0 is DefaultGrid
	NoStaff  bool          // without-staff: leave out the tracks of v_staff_tracks
	Recount  int32         // recount: the recount whose tables answer; 0: those of what was counted at the time
}

// Values of a Filter's fields that are 0.
const (
	DefaultGap  = 10 * time.Second
	DefaultTop  = 10
	DefaultGrid = 32
)

const maxGrid = 1024

// check returns a *usage.Error for a value that no database could answer.
func (f Filter) check() error {
	switch {
	case f.MinScore < 0 || f.MinScore > 1 || f.MinScore != f.MinScore:
		return usage.New("scores are from 0 to 1", "--min-score %v", f.MinScore)
	case f.Gap < 0 || f.Gap > 0 && f.Gap < time.Second:
		return usage.New("give a second at least", "--gap %s is too short", f.Gap)
	case f.MinDwell < 0:
		return usage.New("give a time above 0, as 2m", "--min-dwell %s", f.MinDwell)
	case f.Top < 0:
		return usage.New("give 1 or more", "--top %d", f.Top)
	case f.Recount < 0:
		return usage.New("give the number of a recount", "--recount %d", f.Recount)
	case f.Grid < 0 || f.Grid > maxGrid:
		return usage.New(fmt.Sprintf("give 1 to %d", maxGrid), "--grid %d", f.Grid)
	}
	_, err := f.unit()
	return err
}

// statement is a filter's SQL and its arguments.
type statement struct {
	Filter
	args  []any
	names []string // of the cameras, in their order
}

// arg adds an argument and returns its place.
func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

// byName returns the place of a camera's name, a column, in the order of cameras: PostgreSQL puts
// cam10 before cam2.
func (s *statement) byName(column string) string {
	return "array_position(" + s.arg(s.names) + "::text[], " + column + ")"
}

// conditions is a WHERE clause without the word.
type conditions []string

func (c conditions) String() string {
	if len(c) == 0 {
		return "true"
	}
	return strings.Join(c, " AND ")
}

// of returns camera and run of the filter as conditions on a table s.
func (s *statement) of() (c conditions) {
	if s.Camera != "" {
		c = append(c, "s.camera_id = (SELECT id FROM cameras WHERE name = "+s.arg(s.Camera)+")")
	}
	if s.Run != "" {
		c = append(c, "s.run_id IN (SELECT id FROM runs WHERE run = "+s.arg(s.Run)+")")
	}
	return c
}

// in returns of, and the filter's times as conditions on a column of s.
func (s *statement) in(column string) conditions {
	c, since := s.of(), s.Since
	if column == "minute" {
		since = since.Truncate(time.Minute)
	}
	if !s.Since.IsZero() {
		c = append(c, "s."+column+" >= "+s.arg(since))
	}
	if !s.Until.IsZero() {
		c = append(c, "s."+column+" < "+s.arg(s.Until))
	}
	return c
}

// equal appends a condition if the value is not empty.
func (s *statement) equal(c conditions, column, value string) conditions {
	if value == "" {
		return c
	}
	return append(c, column+" = "+s.arg(value))
}

// classed appends the condition that class, an expression on the table s, has the filter's label.
func (s *statement) classed(c conditions, class string) conditions {
	if s.Class == "" {
		return c
	}
	return append(c, fmt.Sprintf("EXISTS (SELECT FROM classes k WHERE k.run_id = s.run_id AND k.class_id = %s AND k.label = %s)", class, s.arg(s.label())))
}

// label is the class as the tables have it.
func (f Filter) label() string { return strings.ToLower(f.Class) }

// units are the values of --bucket, and what PostgreSQL calls them.
var units = map[string]string{"1m": "minute", "1h": "hour", "1d": "day"}

// unit returns the bucket as PostgreSQL calls it.
func (f Filter) unit() (string, error) {
	if u, ok := units[f.Bucket]; ok || f.Bucket == "" {
		return u, nil
	}
	return "", usage.New("use 1m, 1h or 1d", "--bucket %q is not known", f.Bucket)
}

// list joins lines of SQL, leaving out empty ones.
func list(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
}
