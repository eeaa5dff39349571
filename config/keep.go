package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/usage"
)

// KeepKey is the only flag that may be a table in the file:
//
//	keep: 30d
//	keep: {sightings: 30d, crossings: 1y, totals: 5y}
const KeepKey = "keep"

// Forever is a Keep that ends never.
const Forever time.Duration = math.MaxInt64

// Keep is how long the rows of each table are kept. Zero is not set.
type Keep struct {
	Sightings time.Duration `json:"sightings,omitempty"`
	Crossings time.Duration `json:"crossings,omitempty"` // also their minutes
	Totals    time.Duration `json:"totals,omitempty"`    // minutes of cameras and zones
	Tracks    time.Duration `json:"tracks,omitempty"`
	Visits    time.Duration `json:"visits,omitempty"`
	Snapshots time.Duration `json:"snapshots,omitempty"` // 7d where it is not set
	Alarms    time.Duration `json:"alarms,omitempty"`    // also their messages; 365d where it is not set
}

var keepTables = []string{"sightings", "crossings", "totals", "tracks", "visits", "snapshots", "alarms"}

// Over returns k with what it does not set taken from other.
func (k Keep) Over(other Keep) Keep {
	for _, name := range keepTables {
		if *k.of(name) == 0 {
			*k.of(name) = *other.of(name)
		}
	}
	return k
}

// Check returns an error if tracks or visits are kept longer than the totals, by which
// a record that is read again is known. Those that are not set follow the totals.
func (k Keep) Check() error {
	totals := k.Totals
	if totals == 0 {
		totals = Forever
	}
	for _, name := range []string{"tracks", "visits"} {
		if *k.of(name) > totals {
			return fmt.Errorf("%s are kept longer than totals; keep totals at least as long", name)
		}
	}
	return nil
}

// of returns the field of a table; nil if there is none of that name.
func (k *Keep) of(table string) *time.Duration {
	switch table {
	case "sightings":
		return &k.Sightings
	case "crossings":
		return &k.Crossings
	case "totals":
		return &k.Totals
	case "tracks":
		return &k.Tracks
	case "visits":
		return &k.Visits
	case "snapshots":
		return &k.Snapshots
	case "alarms":
		return &k.Alarms
	}
	return nil
}

// ParseKeep parses the values of --keep: 30d, or TABLE=30d for each table. A time alone
// is that of the sightings.
func ParseKeep(values []string) (k Keep, err error) {
	for _, v := range values {
		if err := k.set(v); err != nil {
			return Keep{}, usage.New("", "--keep %s: %v", v, err)
		}
	}
	if err := k.Check(); err != nil {
		return Keep{}, usage.New("", "--keep %s: %v", strings.Join(values, ","), err)
	}
	return k, nil
}

func (k *Keep) set(text string) (err error) {
	table, span, found := strings.Cut(text, "=")
	if !found {
		table, span = "sightings", text
	}
	at := k.of(table)
	switch {
	case at == nil && usage.Nearest(table, keepTables) != "":
		return fmt.Errorf("unknown table %q; did you mean %q?", table, usage.Nearest(table, keepTables))
	case at == nil:
		return fmt.Errorf("unknown table %q; known are: %s", table, strings.Join(keepTables, ", "))
	case *at != 0:
		return fmt.Errorf("%s is given twice", table)
	}
	*at, err = parseSpan(span)
	return err
}

var spanParts = regexp.MustCompile(`^([0-9]+)([a-zA-Z]*)$`)

// parseSpan parses a whole number of hours, days, weeks or years. A day has 24 hours, a
// year 365 days. A unit that may be another, or is too short to be meant, is refused:
// what is deleted does not come back.
func parseSpan(text string) (time.Duration, error) {
	const day = 24 * time.Hour
	if text == "forever" {
		return Forever, nil
	}
	m := spanParts.FindStringSubmatch(text)
	if m == nil {
		return 0, errors.New("give a whole number and a unit: 12h, 30d, 8w, 1y; or forever")
	}
	unit, known := map[string]time.Duration{"h": time.Hour, "d": day, "w": 7 * day, "y": 365 * day}[m[2]]
	n, err := strconv.ParseInt(m[1], 10, 32)
	switch {
	case m[2] == "":
		return 0, fmt.Errorf("a unit is missing: %sd is days, %sh hours", m[1], m[1])
	case strings.EqualFold(m[2], "m"):
		return 0, fmt.Errorf("m may be minutes or months: give months in days (%dd), or hours", max(1, n)*30)
	case !known:
		return 0, fmt.Errorf("unknown unit %q: give h, d, w or y, such as 30d", m[2])
	case err == nil && n == 0:
		return 0, errors.New("0 would keep nothing: give at least 1h, or use --store tracks to write no sightings")
	case err != nil || n > int64(100*365*day/unit):
		return 0, errors.New("longer than 100 years: give forever")
	}
	return time.Duration(n) * unit, nil
}

// keepValues returns the values of --keep that a table of the file stands for.
func keepValues(v any) ([]any, error) {
	table, _ := v.(map[string]any)
	values := make([]any, 0, len(table))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		span, ok := table[name].(string)
		if !ok {
			return nil, fmt.Errorf("%s: give a time: 30d", name)
		}
		values = append(values, name+"="+span)
	}
	if len(values) == 0 {
		return nil, errors.New("give a time, or a time by table: {sightings: 30d, crossings: 1y}")
	}
	return values, nil
}

// cameraKeep decodes the key of a camera.
func cameraKeep(v any) (k Keep, err error) {
	values := []any{v}
	if _, ok := v.(string); !ok {
		if values, err = keepValues(v); err != nil {
			return k, err
		}
	}
	for _, v := range values {
		if err := k.set(v.(string)); err != nil {
			return k, err
		}
	}
	return k, nil
}
