package config

import (
	"regexp"
	"strconv"
	"time"
)

var timeOfDay = regexp.MustCompile(`^([01][0-9]|2[0-3]):([0-5][0-9])$`)

// parseTimeOfDay returns the time since midnight.
func parseTimeOfDay(text string) (since time.Duration, ok bool) {
	m := timeOfDay.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	hours, _ := strconv.Atoi(m[1]) // two digits each
	minutes, _ := strconv.Atoi(m[2])
	return time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute, true
}
