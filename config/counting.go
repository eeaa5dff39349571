package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/usage"
)

// Counting is how the balance of a place is kept. Every field has a default.
type Counting struct {
	Reset    time.Duration `json:"reset"`              // since midnight: when the balance begins at 0
	TZ       string        `json:"tz"`                 // of Reset
	Class    string        `json:"class"`              // of the crossings that count
	Capacity int32         `json:"capacity,omitempty"` // how many may be inside; 0: not said
}

var countingKeys = []string{"reset", "tz", "class", "capacity"}

func defaultCounting() Counting { return Counting{Reset: 4 * time.Hour, TZ: "UTC", Class: "person"} }

// occupancy decodes a camera's key of the same name.
func occupancy(v any) (*Counting, error) {
	c := defaultCounting()
	table, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New(`give when it begins at 0: {reset: 04:00}`)
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if err := c.set(key, table[key], countingKeys); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	return &c, nil
}

// noSuchKey returns the error of a key that is not one of known.
func noSuchKey(key string, known []string) error {
	if n := usage.Nearest(key, known); n != "" {
		return fmt.Errorf("no such key; did you mean %q?", n)
	}
	return fmt.Errorf("no such key; known are: %s", strings.Join(known, ", "))
}

func (c *Counting) set(key string, v any, known []string) error {
	text, ok := v.(string)
	switch {
	case !slices.Contains(countingKeys, key):
		return noSuchKey(key, known)
	case !ok || text == "":
		return errors.New("a value belongs here")
	case key == "reset":
		if c.Reset, ok = parseTimeOfDay(text); !ok {
			return fmt.Errorf("%.40q is no time of day: 00:00 to 23:59", text)
		}
	case key == "tz":
		c.TZ = text
	case key == "class":
		c.Class = strings.ToLower(text)
	case key == "capacity":
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 1 {
			return errors.New("give a whole number from 1 on")
		}
		c.Capacity = int32(n)
	}
	return nil
}
