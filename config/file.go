package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/sightlog/sightlog/usage"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// File is the configuration file: flag name to a string or a []any of strings,
// and CamerasKey to a map[string]Camera.
type File map[string]any

// Load reads a configuration file and checks its shape; Check checks its keys.
func Load(path string) (File, error) {
	b, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage.Wrap(err, "check the path", "--config %s: no such file", path)
	case err != nil:
		return nil, usage.Wrap(err, "", "--config %s: %v", path, err)
	case len(b) > maxFile:
		return nil, usage.New("", "--config %s: larger than %d bytes", path, maxFile)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(b, &raw); err != nil {
		return nil, usage.Wrap(err, "write one 'key: value' a line", "--config %s: not YAML: %s", path, firstLine(err))
	}
	f := File{}
	for key, value := range raw {
		if key == CamerasKey && value != nil {
			if f[key], err = cameras(value); err != nil {
				return nil, usage.New("", "--config %s: key %q: %v", path, key, err)
			}
			continue
		}
		v, err := plain(value)
		if err != nil {
			return nil, usage.New("give a value or a list of values", "--config %s: key %q: %v", path, key, err)
		}
		if v != nil {
			f[key] = v
		}
	}
	return f, nil
}

// plain turns a YAML scalar into its text and a list of scalars into a []any
// of texts; null is nil: as if the key was absent.
func plain(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case []any:
		list := make([]any, 0, len(v))
		for _, e := range v {
			if e == nil {
				return nil, errors.New("the list has an empty entry")
			}
			if _, nested := e.([]any); nested {
				return nil, errors.New("a list in a list")
			}
			p, err := plain(e)
			if err != nil {
				return nil, err
			}
			list = append(list, p)
		}
		return list, nil
	case map[string]any:
		return nil, errors.New("a table where a value belongs")
	default:
		return fmt.Sprint(v), nil
	}
}

// Check refuses a key that is not known and names the nearest one that is.
func (f File) Check(path string, known []string) error {
	known = append(slices.Clone(known), CamerasKey)
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

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
