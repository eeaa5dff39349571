package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/sightlog/sightlog/usage"
)

// PlacesKey is a key of the file alone: places by name, each with the lines that count
// into it.
//
//	places:
//	  shop:
//	    lines: [door/entrance, yard/gate]
//	    reversed: [office/door]
//	    reset: 04:00
//	    tz: Europe/Berlin
//	    class: person
//	    capacity: 120
const PlacesKey = "places"

// Place is a room or building of which it is counted who is inside.
type Place struct {
	Lines    []string `json:"lines"`              // CAMERA/LINE, whose in leads into the place
	Reversed []string `json:"reversed,omitempty"` // CAMERA/LINE, whose in leads out of it
	Counting
}

var placeKeys = append([]string{"lines", "reversed"}, countingKeys...)

// places decodes the key strictly. It does not check that lines exist.
func places(v any) (map[string]Place, error) {
	table, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("give places by name: {shop: {lines: [door/entrance]}}")
	}
	all := make(map[string]Place, len(table))
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if name == "" || len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) {
			return nil, fmt.Errorf("%q: a name has 1 to %d bytes on one line", name, maxName)
		}
		p, err := place(table[name])
		if err != nil {
			return nil, fmt.Errorf("place %s: %w", name, err)
		}
		all[name] = p
	}
	return all, nil
}

func place(v any) (Place, error) {
	p := Place{Counting: defaultCounting()}
	table, ok := v.(map[string]any)
	if !ok {
		return p, errors.New("give its lines: {lines: [door/entrance]}")
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		var err error
		switch key {
		case "lines":
			p.Lines, err = lineNames(table[key])
		case "reversed":
			p.Reversed, err = lineNames(table[key])
		default:
			err = p.set(key, table[key], placeKeys)
		}
		if err != nil {
			return p, fmt.Errorf("%s: %w", key, err)
		}
	}
	if len(p.Lines)+len(p.Reversed) == 0 {
		return p, errors.New("give its lines: {lines: [door/entrance]}")
	}
	all := slices.Concat(p.Lines, p.Reversed)
	slices.Sort(all)
	for i := 1; i < len(all); i++ {
		if all[i] == all[i-1] {
			return p, fmt.Errorf("line %s is there twice", all[i])
		}
	}
	return p, nil
}

func lineNames(v any) ([]string, error) {
	invalid := errors.New("give a list of lines as CAMERA/LINE: [door/entrance]")
	list, ok := v.([]any)
	if !ok {
		return nil, invalid
	}
	names := make([]string, len(list))
	for i, e := range list {
		name, _ := e.(string)
		if camera, line, _ := strings.Cut(name, "/"); camera == "" || line == "" {
			return nil, invalid
		}
		names[i] = name
	}
	return names, nil
}

// completePlaces adds a place to all for each camera with the key occupancy, which is one with all
// its lines, and checks that a line of a camera whose lines the file has is one of them.
func completePlaces(all map[string]Place, cameras map[string]CameraSettings) (map[string]Place, error) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, l := range slices.Concat(all[name].Lines, all[name].Reversed) {
			if err := checkLine(cameras, l); err != nil {
				return nil, fmt.Errorf("place %s: %w", name, err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cameras)) {
		c := cameras[name]
		if c.Occupancy == nil {
			continue
		}
		if _, is := all[name]; is {
			return nil, fmt.Errorf("camera %s: occupancy: places has a place of the same name", name)
		}
		if len(c.Lines) == 0 {
			return nil, fmt.Errorf("camera %s: occupancy: it has no lines that could count", name)
		}
		p := Place{Counting: *c.Occupancy}
		for _, line := range slices.Sorted(maps.Keys(c.Lines)) {
			p.Lines = append(p.Lines, name+"/"+line)
		}
		if all == nil {
			all = make(map[string]Place)
		}
		all[name] = p
	}
	return all, nil
}

func checkLine(cameras map[string]CameraSettings, name string) error {
	camera, line, _ := strings.Cut(name, "/")
	c, known := cameras[camera]
	if _, is := c.Lines[line]; is || !known {
		return nil
	}
	lines := slices.Sorted(maps.Keys(c.Lines))
	if len(lines) == 0 {
		return fmt.Errorf("camera %s has no lines", camera)
	}
	if near := usage.Nearest(line, lines); near != "" {
		return fmt.Errorf("camera %s has no line %q; did you mean %q?", camera, line, near)
	}
	return fmt.Errorf("camera %s has no line %q; it has %s", camera, line, strings.Join(lines, ", "))
}
