package query

import (
	"slices"
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// Report is a query with a name: the command `sightlog query NAME` runs it. A new
// report is one entry of Reports.
type Report struct {
	Name    string
	Help    string   // one line, for the list of commands
	Details string   // the meaning of the columns, for --help; may be empty
	Flags   []string // that it takes: those that Filter names, and follow and frame
	Columns []string // of the answer, in order; that of a bucket is named as another --bucket is: minute, hour, day
	Bucket  string   // of buckets, the one without --bucket; "" for a report without buckets
	// OverTime, if set, is the answer where --since, --until or --bucket is given.
	OverTime *Report

	sql func(*statement) string
}

// span are the flags that every report of stored rows takes.
var span = []string{"camera", "run", "since", "until"}

// and returns the flags of span with more.
func and(more ...string) []string { return append(slices.Clone(span), more...) }

// coverage are the columns that say how much of a bucket was watched.
var coverage = []string{"frames", "seconds", "coverage", "dropped"}

const coverageHelp = `frames are those that the detector processed; seconds is the number of seconds in which it processed one, coverage that number divided by the bucket's length; dropped are frames that came too fast (live sources). A minute that nobody watched has no row; an hour or a day that nobody watched, between the first and the last that were or within --since and --until, has one with 0 frames and no figures. Totals are kept by the minute: --since and --until count in whole minutes, the minute of --since included.`

// Reports are all reports, in the order of the help.
var Reports = []Report{people, occupancy, crossings, visits, dwell, tracks, busiest, gaps, heatmap, latest, latency}

// ReportNames returns the names of all reports.
func ReportNames() []string {
	names := make([]string, len(Reports))
	for i, r := range Reports {
		names[i] = r.Name
	}
	return names
}

// Takes reports whether the report takes a flag. Of the flags that no report has, it
// takes all.
func (r Report) Takes(flag string) bool {
	has := func(r Report) bool {
		return slices.Contains(r.Flags, flag) || r.OverTime != nil && slices.Contains(r.OverTime.Flags, flag)
	}
	return has(r) || !slices.ContainsFunc(Reports, has)
}

// Question returns the report, narrowed by a filter.
func (r Report) Question(f Filter) Question {
	if r.OverTime != nil && (f.Bucket != "" || !f.Since.IsZero() || !f.Until.IsZero()) {
		r = *r.OverTime
	}
	if f.Bucket == "" {
		f.Bucket = r.Bucket
	}
	return Question{sql: r.sql, filter: f}
}

// Question is a query of the tables. Answer runs it.
type Question struct {
	sql    func(*statement) string
	filter Filter
	own    string // a user's own statement
}

// SQL is one statement of a user's own.
func SQL(statement string) Question { return Question{own: statement} }

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
