package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sightlog/sightlog/usage"
)

// CamerasKey is a key of the file alone: settings by camera.
//
//	cameras:
//	  porch:
//	    fps: 5
//	    region: [0, 0.2, 1, 1]
//	    masks: [[[0, 0], [0.2, 0], [0.2, 0.3]]]
//	    zones: {door: [[0.4, 0.4], [0.6, 0.4], [0.6, 0.9], [0.4, 0.9]]}
//	    lines: {gate: [[0.5, 0], [0.5, 1]]}
//	    motion: true
//	    keep: 7d
//	    thing-after: 1m
//	    loitering: {door: 30s}
//	    occupancy: {reset: 04:00}
//	    staff: {zone: door}
//	    privacy: faces
const CamerasKey = "cameras"

// Point is x, y in parts of the frame's width and height, from its top left.
type Point [2]float64

// CameraSettings are the settings of one camera. A zero value is the default.
type CameraSettings struct {
	FPS    float64            `json:"fps,omitempty"`    // process no more frames a second
	Region []float64          `json:"region,omitempty"` // x1, y1, x2, y2: process only this part
	Masks  [][]Point          `json:"masks,omitempty"`  // people standing in these are not reported
	Zones  map[string][]Point `json:"zones,omitempty"`  // each detection names those it is in
	Lines  map[string][]Point `json:"lines,omitempty"`  // two points each; crossings are events
	Motion bool               `json:"motion,omitempty"` // process frames only while something moves
	Keep   Keep               `json:"keep,omitzero"`    // instead of --keep: 7d, or by table
	// ThingAfter is how long something has to be in sight without having moved to be taken
	// for a thing and not for a person; below zero, never.
	ThingAfter time.Duration `json:"thing-after,omitempty"`
	// a visit of a zone that lasts as long is loitering: 2m, or by zone
	Loitering map[string]time.Duration `json:"loitering,omitempty"`
	// its lines count who is inside, as if it was a place of its own
	Occupancy *Counting `json:"occupancy,omitempty"`
	// rules that recognise staff and passers-by
	Staff *Staff `json:"staff,omitempty"`
	// what pictures of it do not show: off, faces or people; instead of --privacy
	Privacy string `json:"privacy,omitempty"`
}

var cameraKeys = []string{
	"fps", "region", "masks", "zones", "lines", "motion", "keep", "thing-after", "loitering", "occupancy", "staff", "privacy",
}

// maxLoitering is the longest threshold of loitering.
const maxLoitering = 24 * time.Hour

// maxName bounds the name of a zone or line, in bytes, as the events do.
const maxName = 64

// cameras decodes the key strictly. It does not check the area of a shape.
func cameras(v any) (map[string]CameraSettings, error) {
	table, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("give settings by camera: {porch: {fps: 5}}")
	}
	all := make(map[string]CameraSettings, len(table))
	for _, id := range slices.Sorted(maps.Keys(table)) {
		keys, ok := table[id].(map[string]any)
		if !ok && table[id] != nil {
			return nil, fmt.Errorf("camera %s: give settings: {fps: 5}", id)
		}
		var c CameraSettings
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if err := c.set(key, keys[key]); err != nil {
				return nil, fmt.Errorf("camera %s: %w", id, err)
			}
		}
		if c.Staff != nil && c.Staff.Zone != "" && c.Zones[c.Staff.Zone] == nil {
			return nil, fmt.Errorf("camera %s: staff: it has no zone %q", id, c.Staff.Zone)
		}
		all[id] = c
	}
	return all, nil
}

func (c *CameraSettings) set(key string, v any) (err error) {
	switch key {
	case "fps":
		c.FPS, err = number(v)
		if err == nil && !(c.FPS > 0 && c.FPS <= 1000) {
			err = errors.New("give a number above 0 and at most 1000")
		}
	case "region":
		c.Region, err = region(v)
	case "masks":
		list, ok := v.([]any)
		if !ok {
			return errors.New("masks: give a list of outlines: [[[0, 0], [0.2, 0], [0.2, 0.3]]]")
		}
		for i, outline := range list {
			ps, err := points(outline)
			if err != nil {
				return fmt.Errorf("masks: number %d: %w", i+1, err)
			}
			c.Masks = append(c.Masks, ps)
		}
	case "zones":
		c.Zones, err = shapes(v)
	case "lines":
		c.Lines, err = shapes(v)
		for _, name := range slices.Sorted(maps.Keys(c.Lines)) {
			if n := len(c.Lines[name]); n != 2 {
				return fmt.Errorf("lines: %s: %d points, a line has two: [[0.5, 0], [0.5, 1]]", name, n)
			}
		}
	case "motion":
		if c.Motion = v == "true"; !c.Motion && v != "false" {
			err = errors.New("give true or false")
		}
	case "keep":
		c.Keep, err = cameraKeep(v)
	case "thing-after":
		c.ThingAfter, err = thingAfter(v)
	case "loitering":
		c.Loitering, err = loitering(v)
	case "occupancy":
		c.Occupancy, err = occupancy(v)
	case "staff":
		c.Staff, err = staff(v)
	case "privacy":
		if c.Privacy, _ = v.(string); !slices.Contains([]string{"off", "faces", "people"}, c.Privacy) {
			err = errors.New("give off, faces or people")
		}
	default:
		if n := usage.Nearest(key, cameraKeys); n != "" {
			return fmt.Errorf("unknown key %q; did you mean %q?", key, n)
		}
		return fmt.Errorf("unknown key %q; known are: %s", key, strings.Join(cameraKeys, ", "))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// thingAfter decodes a time, or off: -1.
func thingAfter(v any) (time.Duration, error) {
	s, _ := v.(string)
	if s == "off" {
		return -1, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second {
		return 0, errors.New("give a time of at least 1s (30s, 5m), or off")
	}
	return d, nil
}

// loitering decodes times by zone, or a time, which is that of every zone: "".
func loitering(v any) (map[string]time.Duration, error) {
	table, ok := v.(map[string]any)
	if !ok {
		d, err := threshold(v)
		return map[string]time.Duration{"": d}, err
	}
	if len(table) == 0 {
		return nil, errors.New("give a time: 2m, or times by zone: {till: 5m, door: 30s}")
	}
	all := make(map[string]time.Duration, len(table))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		d, err := threshold(table[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = d
	}
	return all, nil
}

func threshold(v any) (time.Duration, error) {
	s, _ := v.(string)
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second || d > maxLoitering || d%time.Millisecond != 0 {
		return 0, errors.New("give a time from 1s to 24h, as 2m")
	}
	return d, nil
}

func region(v any) ([]float64, error) {
	invalid := errors.New("give [left, top, right, bottom] in parts of the frame, 0 to 1")
	list, ok := v.([]any)
	if !ok || len(list) != 4 {
		return nil, invalid
	}
	r := make([]float64, 4)
	for i, e := range list {
		n, err := number(e)
		if err != nil || !(n >= 0 && n <= 1) {
			return nil, invalid
		}
		r[i] = n
	}
	if r[0] >= r[2] || r[1] >= r[3] {
		return nil, invalid
	}
	return r, nil
}

// shapes decodes a table of names and points.
func shapes(v any) (map[string][]Point, error) {
	table, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("give points by name: {door: [[0.4, 0.4], [0.6, 0.4], [0.6, 0.9]]}")
	}
	all := make(map[string][]Point, len(table))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if name == "" || len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) {
			return nil, fmt.Errorf("%q: a name has 1 to %d bytes on one line", name, maxName)
		}
		ps, err := points(table[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = ps
	}
	return all, nil
}

func points(v any) ([]Point, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, errors.New("give a list of points: [[0.4, 0.4], [0.6, 0.9]]")
	}
	ps := make([]Point, len(list))
	for i, e := range list {
		xy, ok := e.([]any)
		if !ok || len(xy) != 2 {
			return nil, fmt.Errorf("point %d is not [x, y]", i+1)
		}
		for k := range xy {
			n, err := number(xy[k])
			if err != nil {
				return nil, fmt.Errorf("point %d: %w", i+1, err)
			}
			ps[i][k] = n
		}
	}
	return ps, nil
}

func number(v any) (float64, error) {
	s, ok := v.(string)
	if !ok {
		return 0, errors.New("a number belongs here")
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%.40q is not a number", s)
	}
	return n, nil
}
