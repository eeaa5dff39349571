package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/yamlfile"
)

// Renames are other names of the zones and lines of a camera, by the names that they have.
type Renames struct {
	Zones map[string]string `json:"zones,omitempty"`
	Lines map[string]string `json:"lines,omitempty"`
}

// Renamed returns the settings with the names of zones changed where other keys name them.
func (c CameraSettings) Renamed(names Renames) CameraSettings {
	if c.Loitering != nil {
		all := make(map[string]time.Duration, len(c.Loitering))
		for zone, d := range c.Loitering {
			all[renamed(names.Zones, zone)] = d
		}
		c.Loitering = all
	}
	if c.Staff != nil {
		s := *c.Staff
		s.Zone = renamed(names.Zones, s.Zone)
		c.Staff = &s
	}
	return c
}

func renamed(names map[string]string, name string) string {
	if to, ok := names[name]; ok {
		return to
	}
	return name
}

// RenameShapes returns the text of a configuration file with zones and lines of a camera renamed, there and wherever
// else the file names them: its loitering and staff, places and alarms. Every other byte stays.
func RenameShapes(path string, text []byte, camera string, names Renames) ([]byte, error) {
	f, err := Decode(path, text)
	if err != nil {
		return nil, err
	}
	at := []string{CamerasKey, camera}
	for key, of := range map[string]map[string]string{"zones": names.Zones, "lines": names.Lines, "loitering": names.Zones} {
		if text, err = yamlfile.Rename(text, append(slices.Clone(at), key), of); err != nil {
			return nil, inKey(fmt.Sprintf("camera %s: %s", camera, key), err)
		}
	}
	if s := f.Cameras()[camera].Staff; s != nil && names.Zones[s.Zone] != "" {
		if text, err = yamlfile.Set(text, append(at, "staff", "zone"), names.Zones[s.Zone]); err != nil {
			return nil, inKey("camera "+camera+": staff", err)
		}
	}
	if text, err = renameInPlaces(text, camera, names.Lines); err != nil {
		return nil, err
	}
	return f.renameInAlarms(text, camera, names)
}

// inKey says where a file is to be edited by hand.
func inKey(key string, err error) error { return fmt.Errorf("%s: %w", key, err) }

func renameInPlaces(text []byte, camera string, lines map[string]string) ([]byte, error) {
	v, err := yamlfile.Parse(text)
	if err != nil {
		return nil, err
	}
	table, _ := v.(map[string]any)
	places, _ := table[PlacesKey].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(places)) {
		place, _ := places[name].(map[string]any)
		for _, key := range []string{"lines", "reversed"} {
			list, _ := place[key].([]any)
			changed := slices.Clone(list)
			for i, line := range changed {
				s, _ := line.(string)
				c, l, _ := strings.Cut(s, "/")
				if to, ok := lines[l]; ok && c == camera {
					changed[i] = camera + "/" + to
				}
			}
			if len(list) == 0 {
				continue
			}
			if text, err = yamlfile.Set(text, []string{PlacesKey, name, key}, changed); err != nil {
				return nil, inKey("place "+name, err)
			}
		}
	}
	return text, nil
}

func (f File) renameInAlarms(text []byte, camera string, names Renames) ([]byte, error) {
	v, err := yamlfile.Parse(text)
	if err != nil {
		return nil, err
	}
	table, _ := v.(map[string]any)
	alarms, _ := table[AlarmsKey].(map[string]any)
	for _, r := range f.Alarms() {
		path, value := []string{AlarmsKey, r.Name}, alarms[r.Name]
		if entry, ok := value.(map[string]any); ok {
			path, value = append(path, "when"), entry["when"]
		}
		when, ok := value.(string)
		if !ok {
			return nil, inKey("alarm "+r.Name, errors.New("it has no rule"))
		}
		to, err := r.Renamed(when, camera, names.Zones, names.Lines)
		if err != nil {
			return nil, usage.New("give a name without spaces, or change the rule in the file first", "alarm %s: %v", r.Name, err)
		}
		if to == when {
			continue
		}
		if text, err = yamlfile.Set(text, path, to); err != nil {
			return nil, inKey("alarm "+r.Name, err)
		}
	}
	return text, nil
}
