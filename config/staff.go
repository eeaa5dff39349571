package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Staff are rules that recognise staff and passers-by of a camera by their tracks. Each one
// alone takes a track.
//
//	staff:
//	  zone: till
//	  longer-than: 4h
//	  schedule: [Mon-Fri 06:00-08:00, Sat 22:00-02:00]
//	  tz: Europe/Berlin
type Staff struct {
	Zone       string        `json:"zone,omitempty"`        // tracks that begin in this zone
	LongerThan time.Duration `json:"longer-than,omitempty"` // tracks that last as long
	Schedule   []Weekly      `json:"schedule,omitempty"`    // tracks that begin in these times of the week
	TZ         string        `json:"tz"`                    // of the schedule
}

// Weekly is a time of some days of the week.
type Weekly struct {
	Days   []int         `json:"days"`   // on which it begins, 1 is Monday
	Starts time.Duration `json:"starts"` // since midnight
	Lasts  time.Duration `json:"lasts"`  // a day at most
}

var staffKeys = []string{"zone", "longer-than", "schedule", "tz"}

// staff decodes the key strictly. It does not check that the zone exists.
func staff(v any) (*Staff, error) {
	s := Staff{TZ: "UTC"}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("give rules: {zone: till, longer-than: 4h, schedule: Mon-Fri 06:00-08:00}")
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		if err := s.set(key, table[key]); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if s.Zone == "" && s.LongerThan == 0 && s.Schedule == nil {
		return nil, errors.New("give a rule: zone, longer-than or schedule")
	}
	return &s, nil
}

func (s *Staff) set(key string, v any) (err error) {
	text, isText := v.(string)
	switch {
	case !slices.Contains(staffKeys, key):
		return noSuchKey(key, staffKeys)
	case key == "schedule":
		s.Schedule, err = schedule(v)
		return err
	case !isText || text == "":
		return errors.New("a value belongs here")
	case key == "zone":
		s.Zone = text
	case key == "tz":
		s.TZ = text
	case key == "longer-than":
		s.LongerThan, err = time.ParseDuration(text)
		if err != nil || s.LongerThan < time.Second || s.LongerThan > 7*24*time.Hour {
			return fmt.Errorf("%.40q is no length from 1s to 168h: 4h, 90m", text)
		}
	}
	return nil
}

// schedule decodes a time of the week or a list of them.
func schedule(v any) ([]Weekly, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, errWeekly
	}
	all := make([]Weekly, len(list))
	for i, e := range list {
		text, _ := e.(string)
		var err error
		if all[i], err = weekly(text); err != nil {
			return nil, err
		}
	}
	return all, nil
}

var (
	weekdays   = []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
	weeklyText = regexp.MustCompile(`^(?:([A-Za-z]{3})(?:-([A-Za-z]{3}))? )?([0-9:]{5})-([0-9:]{5})$`)
	errWeekly  = errors.New("give times of the week: Mon-Fri 06:00-08:00, Sun 22:00-02:00, or 00:00-24:00 for every day")
)

func weekly(text string) (w Weekly, err error) {
	m := weeklyText.FindStringSubmatch(text)
	if m == nil {
		return w, errWeekly
	}
	first, last := 0, 6
	if m[1] != "" {
		first = weekday(m[1])
		last = first
	}
	if m[2] != "" {
		last = weekday(m[2])
	}
	starts, fromOK := parseTimeOfDay(m[3])
	ends, toOK := parseTimeOfDay(m[4])
	if m[4] == "24:00" {
		ends, toOK = 24*time.Hour, true
	}
	if first < 0 || last < 0 || !fromOK || !toOK || starts == ends {
		return w, errWeekly
	}
	for d := first; ; d = (d + 1) % 7 {
		w.Days = append(w.Days, d+1)
		if d == last {
			break
		}
	}
	if w.Starts, w.Lasts = starts, ends-starts; w.Lasts < 0 {
		w.Lasts += 24 * time.Hour
	}
	return w, nil
}

// weekday returns the place of a day in the week; -1 for what is none.
func weekday(text string) int {
	return slices.IndexFunc(weekdays, func(d string) bool { return strings.EqualFold(d, text) })
}
