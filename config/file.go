package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/yamlfile"
)

// File is the configuration file: flag name to a string or a []any of strings,
// CamerasKey to a map[string]CameraSettings, PlacesKey to a map[string]Place, AlarmsKey to a
// []rule.Rule and ReceiversKey to a []rule.Receiver.
type File map[string]any

// tableKeys are the keys whose value is a table.
var tableKeys = []string{CamerasKey, PlacesKey, AlarmsKey, ReceiversKey, ReportsKey, KeepKey}

// Load reads a configuration file and checks its shape; Check checks its keys.
func Load(path string) (File, error) {
	b, err := yamlfile.Read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage.Wrap(err, "check the path", "--config %s: no such file", path)
	case err != nil:
		return nil, usage.Wrap(err, "", "--config %s: %v", path, err)
	}
	return Decode(path, b)
}

// Decode is Load of a file's content.
func Decode(path string, b []byte) (File, error) {
	v, err := yamlfile.Parse(b)
	if err != nil {
		return nil, usage.Wrap(err, "write one 'key: value' a line", "--config %s: not YAML that can be used: %v", path, err)
	}
	raw, ok := v.(map[string]any)
	if !ok && v != nil {
		return nil, usage.New("write one 'key: value' a line", "--config %s: no keys", path)
	}
	f := File{}
	for key, value := range raw {
		if key == CamerasKey && value != nil {
			if f[key], err = cameras(value); err != nil {
				return nil, usage.New("", "--config %s: key %q: %v", path, key, err)
			}
			continue
		}
		if key == PlacesKey && value != nil {
			if f[key], err = places(value); err != nil {
				return nil, usage.New("", "--config %s: key %q: %v", path, key, err)
			}
			continue
		}
		if (key == AlarmsKey || key == ReceiversKey || key == ReportsKey) && value != nil {
			f[key] = value // decoded below: rules name cameras, places and receivers
			continue
		}
		if table, is := value.(map[string]any); is && key == KeepKey {
			if f[key], err = keepValues(table); err != nil {
				return nil, usage.New("", "--config %s: key %q: %v", path, key, err)
			}
			continue
		}
		v, err := plain(value)
		if _, is := value.(map[string]any); is {
			if near := usage.Nearest(key, tableKeys); near != "" {
				return nil, usage.New(fmt.Sprintf("did you mean %q?", near), "--config %s: unknown key %q", path, key)
			}
		}
		if err != nil {
			return nil, usage.New("give a value or a list of values", "--config %s: key %q: %v", path, key, err)
		}
		if v != nil {
			f[key] = v
		}
	}
	all, _ := f[PlacesKey].(map[string]Place)
	if all, err = completePlaces(all, f.Cameras()); err != nil {
		return nil, usage.New("", "--config %s: %v", path, err)
	}
	if all != nil {
		f[PlacesKey] = all
	}
	if err := f.decodeAlarms(); err != nil {
		return nil, usage.New("", "--config %s: %v", path, err)
	}
	return f, nil
}

// plain returns a scalar's text or a list of them. null is nil, as if the key was
// absent.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		return nil, errors.New("a table where a value belongs")
	case []any:
		for _, e := range v {
			switch e.(type) {
			case nil:
				return nil, errors.New("the list has an empty entry")
			case []any:
				return nil, errors.New("a list in a list")
			case map[string]any:
				return nil, errors.New("a table where a value belongs")
			}
		}
	}
	return v, nil
}

// Check returns a *usage.Error for an unknown key, with the nearest known one.
func (f File) Check(path string, known []string) error {
	known = append(slices.Clone(known), CamerasKey, PlacesKey, AlarmsKey, ReceiversKey, ReportsKey)
	for _, key := range slices.Sorted(maps.Keys(f)) {
		if slices.Contains(known, key) {
			continue
		}
		fix := "known are: " + strings.Join(known, ", ")
		if n := usage.Nearest(key, known); n != "" {
			fix = fmt.Sprintf("did you mean %q?", n)
		}
		return usage.New(fix, "--config %s: unknown key %q", path, key)
	}
	return nil
}

// Cameras returns the settings by camera.
func (f File) Cameras() map[string]CameraSettings {
	c, _ := f[CamerasKey].(map[string]CameraSettings)
	return c
}

// Places returns the places by name: those of PlacesKey, and of the cameras with the key
// occupancy. It is nil if the file has neither.
func (f File) Places() map[string]Place {
	p, _ := f[PlacesKey].(map[string]Place)
	return p
}

// decodeAlarms decodes the three keys strictly. Rules and reports may name receivers, places, and the zones
// and lines of cameras.
func (f File) decodeAlarms() error {
	to, err := receivers(f[ReceiversKey])
	if err != nil {
		return fmt.Errorf("key %q: %w", ReceiversKey, err)
	}
	if to != nil {
		f[ReceiversKey] = to
	}
	rules, err := alarms(f[AlarmsKey], f.known(), to)
	if err != nil {
		return fmt.Errorf("key %q: %w", AlarmsKey, err)
	}
	if rules != nil {
		f[AlarmsKey] = rules
	}
	all, err := reports(f[ReportsKey], f.known(), to)
	if err != nil {
		return fmt.Errorf("key %q: %w", ReportsKey, err)
	}
	if all != nil {
		f[ReportsKey] = all
	}
	return nil
}

// Alarms returns the rules of the file.
func (f File) Alarms() []rule.Rule {
	r, _ := f[AlarmsKey].([]rule.Rule)
	return r
}

// Reports returns those of the file.
func (f File) Reports() []rule.Report {
	r, _ := f[ReportsKey].([]rule.Report)
	return r
}

// known returns the names that rules may use.
func (f File) known() rule.Known { return KnownNames(f.Cameras(), f.Places()) }

// Receivers returns those of the file.
func (f File) Receivers() []rule.Receiver {
	r, _ := f[ReceiversKey].([]rule.Receiver)
	return r
}
