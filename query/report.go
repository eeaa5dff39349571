package query

import "slices"

// Report is a query with a name: the command `sightlog query NAME` runs it. A new
// report is one entry of Reports (reports.go).
type Report struct {
	Name    string
	Help    string   // one line, for the list of commands
	Details string   // the meaning of the columns, for --help; may be empty
	Flags   []string // that it takes: those that Filter names, and follow and frame
	Columns []string // of the answer, in order; that of a bucket is named as another --bucket is: minute, hour, day
	Bucket  string   // of buckets, the one without --bucket; "" for a report without buckets
	Order   []string // the columns that its rows are ordered by, which are a key of them; none: it is short and has no pages
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

const coverageHelp = `frames are those that the detector processed; seconds is the number of seconds in which it processed one, coverage that number divided by the bucket's length; dropped are frames that came too fast (live sources). A minute that nobody watched has no row; an hour or a day that nobody watched, between the first and the last that were or within --since and --until, has one with 0 frames and no figures, except in a stretch of more than a year without frames. Totals are kept by the minute: --since and --until count in whole minutes, the minute of --since included.`

// Question returns the report, narrowed by a filter.
func (r Report) Question(f Filter) Question {
	if r.OverTime != nil && (f.Bucket != "" || f.Recount != 0 || !f.Since.IsZero() || !f.Until.IsZero()) {
		r = *r.OverTime
	}
	if f.Bucket == "" {
		f.Bucket = r.Bucket
	}
	return Question{sql: r.sql, filter: f, order: r.columns(r.Order, f.Bucket)}
}

// columns returns names of columns, in which that of the bucket is named as it is for a
// length of buckets.
func (r Report) columns(names []string, bucket string) []string {
	names = slices.Clone(names)
	for i, name := range names {
		if r.Bucket != "" && name == units[r.Bucket] && units[bucket] != "" {
			names[i] = units[bucket]
		}
	}
	return names
}

// Question is a query of the tables. Answer runs it.
type Question struct {
	sql    func(*statement) string
	filter Filter
	order  []string
	own    string // a user's own statement
}

// SQL is one statement of a user's own.
func SQL(statement string) Question { return Question{own: statement} }
