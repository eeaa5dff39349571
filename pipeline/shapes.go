package pipeline

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/usage"
)

// ShapesOf returns the zones, lines and masks in a camera's settings. Without tracking
// there can be no lines and no loitering.
func ShapesOf(camera string, c config.CameraSettings, tracked bool) (zone.Options, error) {
	var o zone.Options
	for i, m := range c.Masks {
		o.Masks = append(o.Masks, zone.Zone{Name: strconv.Itoa(i + 1), Polygon: outline(m)})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Zones)) {
		loitering, own := c.Loitering[name]
		if !own {
			loitering = c.Loitering[""]
		}
		o.Zones = append(o.Zones, zone.Zone{Name: name, Polygon: outline(c.Zones[name]), Loitering: loitering})
	}
	if err := checkLoitering(camera, c, tracked); err != nil {
		return o, err
	}
	for _, name := range slices.Sorted(maps.Keys(c.Lines)) {
		ps := outline(c.Lines[name])
		if len(ps) != 2 {
			return o, usage.New("give it two", "camera %s, line %q has %d points", camera, name, len(ps))
		}
		o.Lines = append(o.Lines, zone.Line{Name: name, A: ps[0], B: ps[1]})
	}
	if len(o.Lines) > 0 && !tracked {
		return o, usage.New("take out --track off, or the lines", "camera %s: who crosses a line is known only of people who are tracked", camera)
	}
	_, err := zone.New(camera, o)
	return o, err
}

// checkLoitering checks that thresholds are those of zones, in which tracks can be followed.
func checkLoitering(camera string, c config.CameraSettings, tracked bool) error {
	names := slices.Sorted(maps.Keys(c.Zones))
	for _, name := range slices.Sorted(maps.Keys(c.Loitering)) {
		switch {
		case len(names) == 0:
			return usage.New("draw a zone, or take loitering out", "camera %s: loitering is of zones, and it has none", camera)
		case name != "" && !slices.Contains(names, name):
			return usage.New("its zones are "+strings.Join(names, ", "), "camera %s: loitering: there is no zone %q", camera, name)
		case !tracked:
			return usage.New("take out --track off, or loitering", "camera %s: how long a visit lasts is known only of people who are tracked", camera)
		}
	}
	return nil
}

func outline(ps []config.Point) []zone.Point {
	out := make([]zone.Point, len(ps))
	for i, p := range ps {
		out[i] = zone.Point{X: p[0], Y: p[1]}
	}
	return out
}
