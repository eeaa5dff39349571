package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/sightlog/sightlog/config"
)

// Bounds of what a body may cost.
const (
	maxBody   = 1 << 20
	maxPoints = 10_000 // of all shapes
)

// Change is the body of a request: the shapes that there are to be, and which of them had other names.
type Change struct {
	config.Shapes

	Renamed config.Renames `json:"renamed,omitzero"` // zones and lines by the names they had: what names them is changed, too
}

// check returns an error if a name is renamed that the settings do not have, or to one that the shapes do not have.
func (c Change) check(now config.CameraSettings) error {
	if err := checkNames("zone", c.Renamed.Zones, now.Zones, c.Zones); err != nil {
		return err
	}
	return checkNames("line", c.Renamed.Lines, now.Lines, c.Lines)
}

func checkNames(what string, names map[string]string, before, after map[string][]config.Point) error {
	got := make(map[string]bool, len(names))
	for from, to := range names {
		_, was := before[from]
		_, is := after[to]
		if !was || !is || got[to] {
			return statusError{http.StatusUnprocessableEntity, fmt.Sprintf("%s %.64q cannot become %.64q", what, from, to),
				"renamed has the old name of each shape, and the name that it has in the body, once"}
		}
		got[to] = true
	}
	return nil
}

// statusError is an error with a status of its own.
type statusError struct {
	code      int
	what, fix string
}

func (e statusError) Error() string { return e.what }

// decode reads the change of a request.
func decode(w http.ResponseWriter, r *http.Request) (s Change, err error) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err = d.Decode(&s); err == nil {
		if _, more := d.Token(); more != io.EOF {
			err = errors.New("more follows")
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return s, err
	}
	if err != nil {
		return s, statusError{http.StatusBadRequest, fmt.Sprintf("the body is not JSON of shapes: %.200s", err), `send {"zones": {"door": [[0.4, 0.4], [0.6, 0.4], [0.6, 0.9]]}, "lines": {}, "masks": [], "region": null}`}
	}
	n := 0
	for _, all := range []map[string][]config.Point{s.Zones, s.Lines} {
		for _, ps := range all {
			n += len(ps)
		}
	}
	for _, ps := range s.Masks {
		n += len(ps)
	}
	if n > maxPoints {
		return s, statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("%d points, at most %d", n, maxPoints), "draw with fewer points"}
	}
	if len(s.Zones) == 0 {
		s.Zones = nil
	}
	if len(s.Lines) == 0 {
		s.Lines = nil
	}
	if len(s.Masks) == 0 {
		s.Masks = nil
	}
	if len(s.Region) == 0 {
		s.Region = nil
	}
	return s, nil
}
