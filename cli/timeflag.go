package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/usage"
)

// WhenHelp is the part of the help about times.
const WhenHelp = `Times are written as 1h (ago), 2d, "2026-11-25 10:00", 10:30 (today), today, yesterday, 2026-11-25 (a day is its 00:00), or 2026-11-25T10:00:00Z. Without Z or an offset they are in the local time zone ($TZ); answers are in UTC.`

// When is a time as a user types it.
type When struct {
	time.Time
	text  string
	local bool // read in the local time zone
	zoned bool // read in a zone that the user named
}

// UnmarshalText implements the parser's interface.
func (w *When) UnmarshalText(b []byte) (err error) {
	*w, err = parseWhen(string(b), time.Now())
	return err
}

// in returns the time as it is read in a zone: one that was written without a zone is of that one.
func (w When) in(zone *time.Location) (When, error) {
	if !w.local || zone == nil {
		return w, nil
	}
	w, err := parseWhen(w.text, time.Now().In(zone))
	w.zoned = true
	return w, err
}

// note returns how a time without a zone was read; "" if it is unambiguous.
func (w When) note(flag string) string {
	zone, offset := w.Zone()
	if !w.local || w.zoned || offset == 0 {
		return ""
	}
	return fmt.Sprintf("%s %s is taken as local time (%s): %s", flag, w.text, zone, w.UTC().Format("2006-01-02 15:04:05Z"))
}

// checkSpan returns an error if the span between --since and --until is empty. It prints
// on standard error how local times were read.
func checkSpan(env *Env, since, until When) error {
	if !since.IsZero() && !until.IsZero() && !since.Before(until.Time) {
		const form = "2006-01-02 15:04:05Z"
		return usage.New("give a --since that is earlier", "--since %s (%s) is not before --until %s (%s)",
			since.text, since.UTC().Format(form), until.text, until.UTC().Format(form))
	}
	for _, note := range []string{since.note("--since"), until.note("--until")} {
		if note != "" {
			fmt.Fprintln(env.Stderr, note)
		}
	}
	return nil
}

// parseWhen parses a time. Relative times are relative to now, and a time without a zone
// is in the zone of now.
func parseWhen(text string, now time.Time) (When, error) {
	w := When{text: strings.TrimSpace(text)}
	s := strings.ToLower(strings.Join(strings.Fields(text), " "))
	if ago, ok := parseAgo(s); ok {
		w.Time = now.Add(-ago)
		return w, nil
	}
	if s == "now" {
		w.Time = now
		return w, nil
	}
	at, local, err := parseClock(s, now)
	if err != nil {
		return w, usage.Wrap(err, `write 1h, 2d, today, yesterday, 10:30, 2026-11-25, "2026-11-25 10:00" (all local time) or 2026-11-25T10:00:00Z`, "%q is not a time", text)
	}
	w.Time, w.local = at, local
	return w, nil
}

// zones end a time that is not local.
var zones = regexp.MustCompile(`^(.*[0-9]) ?(z|utc|gmt|[+-][0-9]{2}(?::?[0-9]{2})?)$`)

// parseClock reads a day, a time of day, or both; local is true without a zone.
// A day alone is its 00:00 and has no zone: 2026-11-25 ends as an offset does.
func parseClock(s string, now time.Time) (at time.Time, local bool, err error) {
	zone := now.Location()
	local = true
	if m := zones.FindStringSubmatch(s); m != nil && (strings.Contains(m[1], ":") || m[2][0] != '-') {
		if zone, err = parseZone(m[2]); err != nil {
			return at, false, err
		}
		s, local = m[1], false
	}
	day, clock, both := strings.Cut(strings.Replace(s, "t", " ", 1), " ")
	if strings.HasPrefix(s, "today") || strings.HasPrefix(s, "yesterday") || strings.HasPrefix(s, "tomorrow") {
		day, clock, both = strings.Cut(s, " ")
	}
	if !both && strings.Contains(day, ":") {
		day, clock, both = "today", day, true
	}
	d, err := parseDay(day, now.In(zone))
	if err != nil || !both {
		return d, local, err
	}
	for _, layout := range []string{"15:04", "15:04:05"} { // a fraction is taken, too
		if c, cerr := time.Parse(layout, clock); cerr == nil {
			return time.Date(d.Year(), d.Month(), d.Day(), c.Hour(), c.Minute(), c.Second(), c.Nanosecond(), zone), local, nil
		}
	}
	return at, false, fmt.Errorf("%q is no time of day", clock)
}

// parseDay returns the day's 00:00 in now's zone.
func parseDay(s string, now time.Time) (time.Time, error) {
	midnight := func(days int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, 0, 0, 0, 0, now.Location())
	}
	switch s {
	case "today":
		return midnight(0), nil
	case "yesterday":
		return midnight(-1), nil
	case "tomorrow":
		return midnight(1), nil
	}
	return time.ParseInLocation(time.DateOnly, s, now.Location())
}

func parseZone(s string) (*time.Location, error) {
	for _, layout := range []string{"-07:00", "-0700", "-07"} {
		if t, err := time.Parse(layout, s); err == nil {
			_, offset := t.Zone()
			return time.FixedZone(s, offset), nil
		}
	}
	if s == "z" || s == "utc" || s == "gmt" {
		return time.UTC, nil
	}
	return nil, fmt.Errorf("%q is no zone", s)
}

var agoPart = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) ?(seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w) ?`)

// parseAgo reads a span before now: 1h, 90m, 1h30m, 2 days, 3d ago. A day has
// 24 hours.
func parseAgo(s string) (ago time.Duration, ok bool) {
	s = strings.TrimPrefix(strings.TrimSuffix(s, " ago"), "-")
	if s == "" {
		return 0, false
	}
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	for s != "" {
		part := agoPart.FindStringSubmatch(s)
		if part == nil {
			return 0, false
		}
		n, err := strconv.ParseFloat(part[1], 64)
		span := n * float64(unit[part[2][0]])
		if err != nil || span > float64(200*365*24*time.Hour) {
			return 0, false
		}
		ago += time.Duration(span)
		s = s[len(part[0]):]
	}
	return ago, ago <= 200*365*24*time.Hour
}
