package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sightlog/sightlog/alarm/rule"
)

// AlarmsKey and ReceiversKey are keys of the file alone: rules by name, and where their
// alarms are sent.
//
//	alarms:
//	  hall-full: occupancy of hall > 50
//	  night-door:
//	    when: person in door/mat between 22:00 and 06:00 for 2s
//	    tz: Europe/Berlin
//	    to: [phone]
//	    cooldown: 10m
//	    clear: 10s
//	    max-age: 1h
const AlarmsKey = "alarms"

var alarmKeys = []string{"when", "to", "tz", "cooldown", "clear", "max-age"}

// KnownNames returns the names of cameras and places that rules may use.
func KnownNames(cameras map[string]CameraSettings, places map[string]Place) rule.Known {
	k := rule.Known{Zones: make(map[string][]string), Lines: make(map[string][]string)}
	for name, c := range cameras {
		k.Zones[name] = slices.Sorted(maps.Keys(c.Zones))
		k.Lines[name] = slices.Sorted(maps.Keys(c.Lines))
	}
	k.Places = slices.Sorted(maps.Keys(places))
	return k
}

func alarms(v any, known rule.Known, to []rule.Receiver) ([]rule.Rule, error) {
	if v == nil {
		return nil, nil
	}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("give rules by name: {night: person in door between 22:00 and 06:00}")
	}
	var all []rule.Rule
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !validName(name) {
			return nil, fmt.Errorf("%.80q: a name has 1 to 64 letters, digits, - and _", name)
		}
		r, err := alarm(table[name], to)
		if err == nil {
			r.Name = name
			err = r.Resolve(known)
		}
		if err != nil {
			return nil, fmt.Errorf("alarm %s: %w", name, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// validName reports whether a name can be part of a topic and of an address.
func validName(name string) bool {
	return len(name) >= 1 && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

func alarm(v any, to []rule.Receiver) (r rule.Rule, err error) {
	table, ok := v.(map[string]any)
	if text, is := v.(string); is {
		return rule.Parse(text)
	}
	when, _ := table["when"].(string)
	if !ok || when == "" {
		return r, errors.New("give the rule: {when: person in door}")
	}
	if r, err = rule.Parse(when); err != nil {
		return r, fmt.Errorf("when: %w", err)
	}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		switch text, _ := table[key].(string); key {
		case "when":
		case "to":
			r.To, err = receiverNames(table[key], to)
		case "tz":
			r.TZ, err = timeZone(text)
		case "cooldown":
			r.Cooldown, err = length(text)
		case "clear":
			r.Clear, err = length(text)
		case "max-age":
			r.MaxAge, err = length(text)
		default:
			err = noSuchKey(key, alarmKeys)
		}
		if err != nil {
			return r, fmt.Errorf("%s: %w", key, err)
		}
	}
	return r, nil
}

func receiverNames(v any, to []rule.Receiver) ([]string, error) {
	names, err := texts(v)
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if !slices.ContainsFunc(to, func(r rule.Receiver) bool { return r.Name == n }) {
			var known []string
			for _, r := range to {
				known = append(known, r.Name)
			}
			if len(known) == 0 {
				return nil, fmt.Errorf("no receiver is named %q: the key receivers is missing", n)
			}
			return nil, fmt.Errorf("no receiver is named %q; receivers has: %s", n, strings.Join(known, ", "))
		}
	}
	return names, nil
}

// texts decodes a text or a list of them.
func texts(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	all := make([]string, len(list))
	for i, e := range list {
		if all[i], _ = e.(string); all[i] == "" {
			return nil, errors.New("give a name or a list of names")
		}
	}
	return all, nil
}

func timeZone(text string) (*time.Location, error) {
	l, err := time.LoadLocation(text)
	if err != nil || text == "" || text == "Local" {
		return nil, fmt.Errorf("%.40q is no time zone, as Europe/Berlin", text)
	}
	return l, nil
}

// length decodes a length of time, up to a year.
func length(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > 366*24*time.Hour {
		return 0, fmt.Errorf("%.40q is no length of time, as 30s, 10m or 1h", text)
	}
	return d, nil
}
