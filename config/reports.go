package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sightlog/sightlog/alarm/rule"
)

// ReportsKey is a key of the file alone: reports by name, each sent once for each day or week
// that is over.
//
//	reports:
//	  daily: {every: day, at: "07:00", tz: Europe/Berlin, to: [mail]}
const ReportsKey = "reports"

var reportKeys = []string{"every", "at", "tz", "camera", "to", "max-age"}

func reports(v any, known rule.Known, to []rule.Receiver) ([]rule.Report, error) {
	if v == nil {
		return nil, nil
	}
	table, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New(`give reports by name: {daily: {every: day, at: "07:00"}}`)
	}
	var all []rule.Report
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if !validName(name) {
			return nil, fmt.Errorf("%.80q: a name has 1 to 64 letters, digits, - and _", name)
		}
		r, err := report(table[name], known, to)
		if err != nil {
			return nil, fmt.Errorf("report %s: %w", name, err)
		}
		r.Name = name
		all = append(all, r)
	}
	return all, nil
}

func report(v any, known rule.Known, to []rule.Receiver) (r rule.Report, err error) {
	table, ok := v.(map[string]any)
	if !ok {
		return r, errors.New(`give its period: {every: day, at: "07:00"}`)
	}
	r = rule.Report{At: 7 * time.Hour, MaxAge: rule.DefaultReportAge}
	for _, key := range slices.Sorted(maps.Keys(table)) {
		switch text, _ := table[key].(string); key {
		case "every":
			r.Every = text
		case "at":
			var ok bool
			if r.At, ok = parseTimeOfDay(text); !ok {
				err = fmt.Errorf(`%.40q is no time of the day, as "07:00"`, text)
			}
		case "tz":
			r.TZ, err = timeZone(text)
		case "camera":
			r.CameraName = text
			if _, is := known.Zones[text]; !is && (text == "" || len(known.Zones) > 0) {
				err = fmt.Errorf("no camera is named %.80q", text)
			}
		case "to":
			r.To, err = receiverNames(table[key], to)
		case "max-age":
			r.MaxAge, err = length(text)
		default:
			err = noSuchKey(key, reportKeys)
		}
		if err != nil {
			return r, fmt.Errorf("%s: %w", key, err)
		}
	}
	if r.Every != rule.EveryDay && r.Every != rule.EveryWeek {
		return r, fmt.Errorf("every: %.40q is no period: day or week", r.Every)
	}
	if len(to) == 0 {
		return r, errors.New("there are no receivers to send it to")
	}
	return r, nil
}
