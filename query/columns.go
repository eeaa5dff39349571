package query

import "slices"

// Kind is the type of a column of a report, as PostgreSQL calls it. All may be null.
type Kind string

// The kinds.
const (
	Text    Kind = "text"
	Integer Kind = "bigint"
	Number  Kind = "numeric"
	Time    Kind = "timestamptz"
)

// kinds are those of the columns of all reports: a name has one kind in all of them.
var kinds = kindsOf(map[Kind][]string{
	Text: {"camera", "zone", "line", "place", "run", "label", "direction", "model", "stage"},
	Time: {
		"minute", "hour", "day", "captured_at", "up_to", "entered_at", "left_at", "first_at", "last_at", "began", "ended",
		"since", "until", "answered_at", "reset",
	},
	Integer: {
		"frames", "detections", "people", "max_people", "seconds", "dropped", "in", "out", "balance", "inside", "max_inside",
		"capacity", "lowest", "blind_s", "unclosed", "n", "track_id", "seq", "x", "y", "audit", "counted",
	},
	Number: {
		"avg_people", "coverage", "age_s", "dwell_s", "duration_s", "median_s", "longest_s", "p90_s", "p95_s", "max_s", "score",
		"actual", "actual_low", "actual_high", "accuracy", "accuracy_low", "accuracy_high", "precision", "recall",
		"p50_ms", "p95_ms", "p99_ms", "max_ms",
	},
})

func kindsOf(names map[Kind][]string) map[string]Kind {
	all := make(map[string]Kind)
	for kind, names := range names {
		for _, name := range names {
			all[name] = kind
		}
	}
	return all
}

// KindOf returns the kind of a report's column, "" for a name that none has.
func KindOf(column string) Kind { return kinds[column] }

// AllColumns returns the columns of each form that the report's answer may have: now or over
// time, by minutes, hours or days.
func (r Report) AllColumns() (all [][]string) {
	add := func(columns []string) {
		if !slices.ContainsFunc(all, func(c []string) bool { return slices.Equal(c, columns) }) {
			all = append(all, columns)
		}
	}
	for _, bucket := range []string{"", "1m", "1h", "1d"} {
		add(r.columns(r.Columns, bucket))
	}
	if r.OverTime != nil {
		for _, columns := range r.OverTime.AllColumns() {
			add(columns)
		}
	}
	return all
}
