package rule

import (
	"slices"
	"strings"
	"time"
)

// Window is a time of the week. It may go beyond midnight: the day is that of its beginning.
type Window struct {
	From, To time.Duration // since midnight; the same: the whole day
	Days     [7]bool       // from Sunday, as time.Weekday; none: every day
}

const day = 24 * time.Hour

// Contains reports whether the window has the time of day and the weekday that t shows.
func (w *Window) Contains(t time.Time) bool {
	at := clock(t)
	switch {
	case w.From == w.To:
		return w.on(t)
	case w.From < w.To:
		return at >= w.From && at < w.To && w.on(t)
	case at >= w.From:
		return w.on(t)
	}
	return at < w.To && w.on(t.AddDate(0, 0, -1))
}

// Always reports whether the window has all of the week.
func (w *Window) Always() bool {
	return w.From == w.To && (w.Days == [7]bool{} || w.Days == [7]bool{true, true, true, true, true, true, true})
}

func clock(t time.Time) time.Duration {
	h, m, s := t.Clock()
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
}

func (w *Window) on(t time.Time) bool { return w.Days == [7]bool{} || w.Days[t.Weekday()] }

// End returns when the window that contains t ends: the first minute after t that it does
// not contain.
func (w *Window) End(t time.Time) time.Time {
	end := t.Truncate(time.Minute)
	for limit := end.Add(8 * day); w.Contains(end) && end.Before(limit); {
		end = end.Add(time.Minute)
	}
	return end
}

var weekdays = []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}

// parseDays reads Mon-Fri or Sat,Sun into days.
func parseDays(text string) (days [7]bool, ok bool) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, b := weekday(first), weekday(last)
		if a < 0 || b < 0 {
			return days, false
		}
		for d := a; ; d = (d + 1) % 7 {
			days[d] = true
			if d == b {
				break
			}
		}
	}
	return days, true
}

func weekday(text string) int {
	return slices.IndexFunc(weekdays, func(d string) bool { return strings.EqualFold(d, text) })
}

// parseClock reads a time of day, 00:00 to 24:00.
func parseClock(text string) (time.Duration, bool) {
	if text == "24:00" {
		return 0, true
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return 0, false
	}
	return clock(t), true
}

// ParseWindow reads HH:MM-HH:MM, after days if there are some: Mon-Fri 22:00-06:00.
func ParseWindow(text string) (*Window, bool) {
	var w Window
	days, hours, both := strings.Cut(text, " ")
	if !both {
		days, hours = "", text
	}
	ok := true
	if both {
		w.Days, ok = parseDays(days)
	}
	from, to, isRange := strings.Cut(hours, "-")
	var fromOK, toOK bool
	w.From, fromOK = parseClock(from)
	w.To, toOK = parseClock(to)
	return &w, ok && isRange && fromOK && toOK
}
