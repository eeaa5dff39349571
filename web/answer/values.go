package answer

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/route"
)

// Values are the parameters of a request, which have passed the checks of their description.
type Values struct {
	pattern string // of the route
	params  []route.Param
	given   map[string][]string
}

// MaxText is the length of a text whose parameter has no own.
const MaxText = 256

// DurationPattern is how a duration is written: as the command line has it, in one unit.
const DurationPattern = "^[1-9][0-9]{0,5}(s|m|h)$"

// Parse checks the query and the path of a request against the parameters. Its error is a
// *usage.Error.
func Parse(r *http.Request, params []route.Param) (Values, error) {
	v := Values{pattern: r.Pattern, params: params, given: make(map[string][]string)}
	if !utf8.ValidString(r.URL.Path) || strings.Contains(r.URL.Path, "\x00") {
		return v, usage.New("", "the path is no text")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return v, usage.Wrap(err, "escape it as URLs are", "the query cannot be read")
	}
	known := make([]string, len(params))
	for i, p := range params {
		known[i] = p.Name
		all := query[p.Name]
		if inPath(r, p.Name) {
			all = []string{r.PathValue(p.Name)}
		}
		if err := check(p, all); err != nil {
			return v, err
		}
		if len(all) > 0 {
			v.given[p.Name] = all
		}
	}
	for name := range query {
		if i := slices.Index(known, name); i < 0 || inPath(r, name) {
			return v, unknown(name, known)
		}
	}
	return v, nil
}

func inPath(r *http.Request, name string) bool { return strings.Contains(r.Pattern, "{"+name+"}") }

func unknown(name string, known []string) error {
	fix := "there are " + strings.Join(known, ", ")
	if len(known) == 0 {
		fix = "there are none"
	}
	if near := usage.Nearest(name, known); near != "" {
		fix = "did you mean " + near + "?"
	}
	return usage.New(fix, "parameter %.100q is not known", name)
}

func check(p route.Param, all []string) error {
	if len(all) == 0 {
		if p.Required {
			return usage.New("give one", "parameter %s is missing", p.Name)
		}
		return nil
	}
	if len(all) > 1 && !p.Repeated {
		return usage.New("give one", "parameter %s is given %d times", p.Name, len(all))
	}
	if len(all) > MaxRepeated {
		return usage.New(fmt.Sprintf("give %d at most", MaxRepeated), "parameter %s is given %d times", p.Name, len(all))
	}
	for _, text := range all {
		if err := checkOne(p, text); err != nil {
			return err
		}
	}
	return nil
}

// MaxRepeated is how often a parameter may be given that is repeated.
const MaxRepeated = 256

// checkOne checks one value of a parameter.
func checkOne(p route.Param, text string) error {
	longest := p.MaxLength
	if longest == 0 {
		longest = MaxText
	}
	wrong := func(fix string) error { return usage.New(fix, "%s %.100q", p.Name, text) }
	switch {
	case text == "":
		return usage.New("leave it out, or give a value", "%s is empty", p.Name)
	case !utf8.ValidString(text) || strings.Contains(text, "\x00"):
		return usage.New("give text in UTF-8", "%s is no text", p.Name)
	case utf8.RuneCountInString(text) > longest:
		return usage.New(fmt.Sprintf("give %d characters at most", longest), "%s is too long", p.Name)
	case len(p.Enum) > 0 && !slices.Contains(p.Enum, text):
		return wrong("use " + strings.Join(p.Enum, ", "))
	}
	switch p.Type.(type) {
	case int:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || text[0] == '+' || !within(p, float64(n)) {
			return wrong("give a whole number" + between(p))
		}
	case float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || strings.ContainsAny(text, "xX_pP+") && !strings.ContainsAny(text, "eE") || !within(p, f) {
			return wrong("give a number" + between(p))
		}
	case bool:
		if text != "true" && text != "false" {
			return wrong("give true or false")
		}
	case time.Time:
		if _, err := parseTime(text); err != nil {
			return wrong("write it as 2026-11-25T10:00:00Z")
		}
	case time.Duration:
		if !matches(DurationPattern, text) {
			return wrong("write it as 30s, 2m or 1h")
		}
	default:
		if p.Pattern != "" && !matches(p.Pattern, text) {
			return wrong("it is written as " + p.Pattern)
		}
	}
	return nil
}

// matches reports whether a text matches a pattern of a description, which compiles: the
// tests describe every route.
func matches(pattern, text string) bool {
	ok, err := regexp.MatchString(pattern, text)
	return err == nil && ok
}

func within(p route.Param, n float64) bool {
	return p.Min == 0 && p.Max == 0 || n >= p.Min && n <= p.Max
}

func between(p route.Param) string {
	if p.Min == 0 && p.Max == 0 {
		return ""
	}
	return fmt.Sprintf(" from %v to %v", strconv.FormatFloat(p.Min, 'f', -1, 64), strconv.FormatFloat(p.Max, 'f', -1, 64))
}

// The events are between these times (package event), so a time outside them stands for
// the nearer.
var minTime, maxTime = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

func parseTime(text string) (time.Time, error) {
	return time.Parse(time.RFC3339Nano, strings.ToUpper(text))
}

// Has reports whether the parameter was given.
func (v Values) Has(name string) bool { return len(v.given[name]) > 0 }

// All returns the texts of a parameter that may be repeated.
func (v Values) All(name string) []string { return v.given[name] }

// Text returns a parameter, its default, or "".
func (v Values) Text(name string) string {
	return value(v, name, func(s string) (string, error) { return s, nil })
}

// Int returns a parameter, its default, or 0.
func (v Values) Int(name string) int { return value(v, name, strconv.Atoi) }

// Float returns a parameter, its default, or 0.
func (v Values) Float(name string) float64 {
	return value(v, name, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
}

// Bool returns a parameter, its default, or false.
func (v Values) Bool(name string) bool { return value(v, name, strconv.ParseBool) }

// Duration returns a parameter, its default, or 0.
func (v Values) Duration(name string) time.Duration { return value(v, name, time.ParseDuration) }

// Time returns a parameter, moved to the years in which events are, or the zero time.
func (v Values) Time(name string) time.Time {
	at := value(v, name, parseTime)
	switch {
	case at.IsZero() && !v.Has(name):
		return at
	case at.Before(minTime):
		return minTime
	case at.After(maxTime):
		return maxTime
	}
	return at
}

// value reads a parameter that was checked.
func value[T any](v Values, name string, read func(string) (T, error)) (t T) {
	if all := v.given[name]; len(all) > 0 {
		if t, err := read(all[0]); err == nil {
			return t
		}
		return t
	}
	for _, p := range v.params {
		if d, ok := p.Default.(T); ok && p.Name == name {
			return d
		}
	}
	return t
}
