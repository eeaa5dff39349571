package rule

import (
	"cmp"
	"slices"
	"time"
)

// The periods of a report.
const (
	EveryDay  = "day"
	EveryWeek = "week" // Monday to Sunday
)

// DefaultReportAge is the max-age of a report that says nothing.
const DefaultReportAge = 3 * day

// Report is a report that is sent once for each period that is over.
type Report struct {
	Name       string
	Every      string         // EveryDay or EveryWeek
	At         time.Duration  // by the clock, after the midnight that ends the period
	TZ         *time.Location // nil: UTC
	CameraName string         // "": all
	To         []string       // names of receivers; none: all
	MaxAge     time.Duration  // a report that is late by more is not made
}

// Sends reports whether the report goes to a receiver.
func (r *Report) Sends(to string) bool { return len(r.To) == 0 || slices.Contains(r.To, to) }

// Zone returns the report's time zone.
func (r *Report) Zone() *time.Location { return cmp.Or(r.TZ, time.UTC) }

// Period is a time of whole days of which a report is made, and when.
type Period struct{ Since, Until, Due time.Time }

// Days returns the dates of the period.
func (p Period) Days() (dates []string) {
	for at := p.Since; at.Before(p.Until); at = midnight(at, 1) {
		dates = append(dates, at.Format(time.DateOnly))
	}
	return dates
}

// From returns the first period that begins at a date or later; the time of the date, and its
// zone, do not matter.
func (r *Report) From(t time.Time) Period {
	since, days := midnight(time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, r.Zone()), 0), 1
	if r.Every == EveryWeek {
		since, days = midnight(since, (8-int(since.Weekday()))%7), 7
	}
	until := midnight(since, days)
	// By the clock: a day on which the clock changes has the report at its hour, too.
	due := time.Date(until.Year(), until.Month(), until.Day(), 0, 0, int(r.At/time.Second), 0, until.Location())
	return Period{Since: since, Until: until, Due: due}
}

// Of returns the period that holds a date.
func (r *Report) Of(date time.Time) Period {
	if r.Every == EveryWeek {
		date = date.AddDate(0, 0, -(int(date.Weekday())+6)%7)
	}
	return r.From(date)
}

// Last returns the latest period whose report is due at a time.
func (r *Report) Last(now time.Time) Period {
	p := r.From(midnight(now.In(r.Zone()), -15))
	for next := r.From(p.Until); !next.Due.After(now); next = r.From(p.Until) {
		p = next
	}
	return p
}

// NotTooLate returns the first period from a day on that is late by max-age at most, and how
// many before it are later.
func (r *Report) NotTooLate(from, now time.Time) (p Period, skipped int) {
	for p = r.From(from); now.Sub(p.Due) > r.MaxAge; p = r.From(p.Until) {
		skipped++
	}
	return p, skipped
}

// midnight returns the beginning of a day some days after that of t.
func midnight(t time.Time, days int) time.Time {
	// Where the clock springs over midnight, Date may return the hour before.
	at := time.Date(t.Year(), t.Month(), t.Day()+days, 0, 0, 0, 0, t.Location())
	if want := time.Date(t.Year(), t.Month(), t.Day()+days, 12, 0, 0, 0, t.Location()); at.Day() != want.Day() {
		at = at.Add(time.Hour)
	}
	return at
}
