package report

import (
	"fmt"
	"time"

	"github.com/sightlog/sightlog/query"
)

// Report has the figures of a period: of people alone, without staff where rules recognise
// them.
type Report struct {
	Name   string     `json:"name"`
	Every  string     `json:"every"` // day or week
	TZ     string     `json:"tz"`
	Camera string     `json:"camera,omitempty"` // "": all
	Since  time.Time  `json:"since"`
	Until  time.Time  `json:"until"`
	Held   *time.Time `json:"incomplete_after,omitempty"` // the tables held the log up to here only

	Watched query.Watched  `json:"watched"`
	People  Count          `json:"people"` // tracks that began
	In      Count          `json:"in"`
	Out     Count          `json:"out"`
	Most    *Peak          `json:"most"`
	Busiest *query.Busiest `json:"busiest"` // the hour with most people in view on average
	Days    []Day          `json:"days"`
	Hours   []Hour         `json:"hours"` // of a day
	Cameras []Camera       `json:"cameras"`
	Lines   []Line         `json:"lines"`
	Zones   []Zone         `json:"zones"`
	Places  []Place        `json:"places"`
	Gaps    []Gap          `json:"gaps"`
}

// Count is a number of a period. Before is that of the same weekdays a week earlier, Usual
// the mean of up to four weeks before: null where these were not watched for about as long.
type Count struct {
	N      int64    `json:"n"`
	Before *int64   `json:"before,omitempty"`
	Usual  *float64 `json:"usual"`
}

// Peak is the highest number of people in view.
type Peak struct {
	N  int64      `json:"n"`
	At *time.Time `json:"at"` // the minute
}

// Day are the figures of one day.
type Day struct {
	Day     string        `json:"day"`
	Watched query.Watched `json:"watched"`
	People  int64         `json:"people"`
	In      int64         `json:"in"`
	Out     int64         `json:"out"`
}

// Hour are the figures of one hour, null where nothing was watched.
type Hour struct {
	At     time.Time `json:"at"`
	People *int64    `json:"people"`
	In     *int64    `json:"in"`
	Out    *int64    `json:"out"`
	Most   *int64    `json:"most"`
}

// Camera are the figures of a camera.
type Camera struct {
	Camera  string        `json:"camera"`
	Watched query.Watched `json:"watched"`
	People  Count         `json:"people"`
	In      int64         `json:"in"`
	Out     int64         `json:"out"`
	Most    *Peak         `json:"most"`
}

// Line are the crossings of a line.
type Line struct {
	Camera string `json:"camera"`
	Line   string `json:"line"`
	In     Count  `json:"in"`
	Out    Count  `json:"out"`
}

// Zone are the visits of a zone. The lengths of visits are of each day: their lowest and
// highest in a week.
type Zone struct {
	Camera string `json:"camera"`
	Zone   string `json:"zone"`
	Visits Count  `json:"visits"`
	Median *Range `json:"median_s"`
	P90    *Range `json:"p90_s"`
	Most   *Peak  `json:"most"`
}

// Range is from the lowest to the highest value of the days.
type Range struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Place is the balance of a place.
type Place struct {
	Place    string `json:"place"`
	In       int64  `json:"in"`
	Out      int64  `json:"out"`
	Inside   int64  `json:"inside"` // at the end
	Most     *int64 `json:"most"`
	Capacity *int64 `json:"capacity"`
}

// Gap is a time in which a camera processed no frame, a minute or longer.
type Gap struct {
	Camera  string    `json:"camera"`
	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"`
	Seconds int64     `json:"seconds"`
}

// Headline is the report in a line.
func (r *Report) Headline() string {
	text := fmt.Sprintf("%s: %d in, %d out", r.Title(), r.In.N, r.Out.N)
	if r.Most != nil {
		text += fmt.Sprintf(", at most %d in view", r.Most.N)
	}
	return text
}

// First returns the date of the first day.
func (r *Report) First() string { return r.local(r.Since, time.DateOnly) }

// Title names the period.
func (r *Report) Title() string {
	last := r.Until.Add(-time.Second).In(r.zone())
	if r.Every == "week" {
		return r.local(r.Since, "2 Jan") + " to " + last.Format("2 Jan 2006")
	}
	return r.local(r.Since, "Monday, 2 Jan 2006")
}

// zone is the report's time zone. The times of a decoded report are in UTC.
func (r *Report) zone() *time.Location {
	if l, err := time.LoadLocation(r.TZ); err == nil {
		return l
	}
	return time.UTC
}

func (r *Report) local(t time.Time, layout string) string { return t.In(r.zone()).Format(layout) }
