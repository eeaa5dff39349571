package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// Known are the names of a configuration.
type Known struct {
	Places []string
	Zones  map[string][]string // by camera; a camera that is not here has settings elsewhere
	Lines  map[string][]string
}

// Resolve finds what the name of an occupancy or queue is, and checks zones and lines of
// cameras that the configuration has.
func (r *Rule) Resolve(k Known) error {
	if r.name != "" {
		if err := r.find(k); err != nil {
			return err
		}
	}
	if r.Kind == Queue && r.Zone == "" {
		return fmt.Errorf("%q: a queue stands in a zone: give CAMERA/ZONE", r.Text)
	}
	if err := r.check(k.Zones, "zone", r.Zone); err != nil {
		return err
	}
	return r.check(k.Lines, "line", r.Line)
}

// find looks for r.name: CAMERA/ZONE, a place, the zone of one camera, or a camera.
func (r *Rule) find(k Known) error {
	camera, zone, both := strings.Cut(r.name, "/")
	if both {
		r.Camera, r.Zone = camera, zone
		return nil
	}
	if slices.Contains(k.Places, r.name) && r.Kind == Occupancy {
		r.Place = r.name
		return nil
	}
	var with []string
	for _, c := range slices.Sorted(maps.Keys(k.Zones)) {
		if slices.Contains(k.Zones[c], r.name) {
			with = append(with, c)
		}
	}
	_, isCamera := k.Zones[r.name]
	switch {
	case len(with) == 1:
		r.Camera, r.Zone = with[0], r.name
	case len(with) > 1:
		return fmt.Errorf("%q: cameras %s have a zone %s: write CAMERA/%s", r.Text, strings.Join(with, " and "), r.name, r.name)
	case isCamera:
		r.Camera = r.name
	default:
		known := slices.Concat(k.Places, slices.Sorted(maps.Keys(k.Zones)))
		for _, zones := range k.Zones {
			known = append(known, zones...)
		}
		slices.Sort(known)
		return fmt.Errorf("%q: %s is no place, zone or camera of the configuration%s", r.Text, r.name, suggestion(r.name, slices.Compact(known)))
	}
	return nil
}

func (r *Rule) check(by map[string][]string, what, name string) error {
	names, known := by[r.Camera]
	if name == "" || !known || slices.Contains(names, name) {
		return nil
	}
	return fmt.Errorf("%q: camera %s has no %s %q%s", r.Text, r.Camera, what, name, suggestion(name, names))
}

func suggestion(name string, known []string) string {
	if near := usage.Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) == 0 {
		return ""
	}
	return "; known are: " + strings.Join(known, ", ")
}
