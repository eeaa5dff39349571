package answer

import (
	"fmt"
	"time"

	"github.com/sightlog/sightlog/web/route"
)

// Parameters that many routes have.
var (
	Camera = route.Param{Name: "camera", Type: "", Pattern: "^[a-z0-9_-]{1,64}$", MaxLength: 64, Help: "Only of this camera."}
	Zone   = route.Param{Name: "zone", Type: "", MaxLength: 64, Help: "Only of this zone."}
	Line   = route.Param{Name: "line", Type: "", MaxLength: 64, Help: "Only of this line."}
	Since  = route.Param{Name: "since", Type: time.Time{}, Help: "Captured at or after this time."}
	Until  = route.Param{Name: "until", Type: time.Time{}, Help: "Captured before this time."}
	TZ     = route.Param{Name: "tz", Type: "", MaxLength: 64, Help: "Time zone in which hours and days begin and times are written, as Europe/Berlin; without it UTC."}
	Cursor = route.Param{Name: "cursor", Type: "", MaxLength: 2048, Pattern: "^[A-Za-z0-9_-]+$", Help: "Where the next page begins: copied from the link of the page before."}
)

// Limit is the parameter limit: how many rows a page has.
func Limit(standard, most int) route.Param {
	return route.Param{Name: "limit", Type: 0, Default: standard, Min: 1, Max: float64(most), Help: fmt.Sprintf("Rows of a page, at most %d.", most)}
}

// Span returns since and until. An empty span is refused.
func (v Values) Span() (since, until time.Time, err error) {
	since, until = v.Time("since"), v.Time("until")
	if v.Has("since") && v.Has("until") && !value(v, "since", parseTime).Before(value(v, "until", parseTime)) {
		return since, until, Refuse(422, fmt.Sprintf("since %s is not before until %s", v.Text("since"), v.Text("until")), "give a since that is earlier")
	}
	return since, until, nil
}

// Forever is later than every event.
var Forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// SpanToEnd is Span with Forever where no until was given.
func (v Values) SpanToEnd() (since, until time.Time, err error) {
	since, until, err = v.Span()
	if until.IsZero() {
		until = Forever
	}
	return since, until, err
}

// Location returns the time zone of a parameter, UTC if it was not given.
func (v Values) Location(name string) (*time.Location, error) {
	if !v.Has(name) {
		return time.UTC, nil
	}
	text := v.Text(name)
	zone, err := time.LoadLocation(text)
	if err != nil || text == "Local" {
		return nil, Refuse(404, fmt.Sprintf("%s %q is no time zone", name, text), "write it as Europe/Berlin")
	}
	return zone, nil
}
