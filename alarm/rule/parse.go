package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/usage"
)

// maxText bounds a rule, in bytes.
const maxText = 400

// parser goes through the words of a rule.
type parser struct {
	text  string
	words []string
	next  int
	r     Rule
}

// Parse reads a rule. Its error is one line: the word that is wrong, its place, and what is
// possible there.
func Parse(text string) (Rule, error) {
	p := &parser{text: text, words: strings.Fields(text)}
	p.r = Rule{Text: strings.Join(p.words, " "), Clear: DefaultClear, MaxAge: DefaultMaxAge}
	if len(text) > maxText {
		return p.r, fmt.Errorf("a rule has at most %d bytes", maxText)
	}
	if err := p.subject(); err != nil {
		return p.r, err
	}
	return p.r, p.conditions()
}

// wrong is the error of the next word.
func (p *parser) wrong(possible string) error {
	if p.next >= len(p.words) {
		return fmt.Errorf("%q ends where %s is expected", p.text, possible)
	}
	word := p.words[p.next]
	if near := usage.Nearest(word, strings.Split(strings.ReplaceAll(possible, " or ", ", "), ", ")); near != "" && near != word && len(word) > 1 {
		return fmt.Errorf("%q: word %d, %q: did you mean %q?", p.text, p.next+1, word, near)
	}
	return fmt.Errorf("%q: word %d, %q: %s is expected", p.text, p.next+1, word, possible)
}

func (p *parser) peek() string {
	if p.next < len(p.words) {
		return p.words[p.next]
	}
	return ""
}

func (p *parser) take() string {
	w := p.peek()
	p.next++
	return w
}

func (p *parser) expect(words ...string) error {
	if !slices.Contains(words, p.peek()) {
		return p.wrong(strings.Join(words, " or "))
	}
	p.next++
	return nil
}

// subject reads what the rule is about, and what it compares.
func (p *parser) subject() error {
	first := p.take()
	switch first {
	case "":
		p.next = 0
		return p.wrong("person, occupancy, queue, camera, crossing or loitering")
	case "occupancy", "queue":
		p.r.Kind, p.r.Class = Kind(first), "person"
		if err := p.expect("of"); err != nil {
			return err
		}
		if p.r.name = p.peek(); p.r.name == "" {
			return p.wrong("the name of a place or CAMERA/ZONE")
		}
		p.next++
		return p.comparison()
	case "camera":
		p.r.Kind = Blind
		if err := p.camera(&p.r.Camera, nil, "the name of a camera"); err != nil {
			return err
		}
		return p.expect("blind")
	case "crossing":
		p.r.Kind = Crossing
		if err := p.expect("of"); err != nil {
			return err
		}
		if err := p.camera(&p.r.Camera, &p.r.Line, "CAMERA/LINE"); err != nil {
			return err
		}
		if w := p.peek(); w == "in" || w == "out" {
			p.r.Direction = p.take()
		}
		return nil
	case "loitering":
		p.r.Kind = Loitering
		if err := p.expect("in"); err != nil {
			return err
		}
		return p.camera(&p.r.Camera, &p.r.Zone, "CAMERA/ZONE")
	}
	if p.peek() != "in" {
		p.next--
		near := usage.Nearest(first, []string{"person", "occupancy", "queue", "camera", "crossing", "loitering"})
		if near != "" && near != first {
			return p.wrong("person, occupancy, queue, camera, crossing or loitering")
		}
		p.next++
	}
	p.r.Kind, p.r.Class, p.r.Op, p.r.N = Presence, strings.ToLower(first), ">=", 1
	if err := p.expect("in"); err != nil {
		return err
	}
	where := p.take()
	p.r.Camera, p.r.Zone, _ = strings.Cut(where, "/")
	if p.r.Camera == "" || strings.HasSuffix(where, "/") {
		p.next--
		return p.wrong("CAMERA or CAMERA/ZONE")
	}
	if isOp(p.peek()) {
		return p.comparison()
	}
	return nil
}

// camera reads CAMERA, or CAMERA/NAME if there is a name to fill.
func (p *parser) camera(camera, name *string, possible string) error {
	c, n, both := strings.Cut(p.peek(), "/")
	if c == "" || both != (name != nil) || both && n == "" {
		return p.wrong(possible)
	}
	*camera = c
	if both {
		*name = n
	}
	p.next++
	return nil
}

func isOp(w string) bool { return w == ">" || w == ">=" || w == "<" || w == "<=" }

func (p *parser) comparison() error {
	if !isOp(p.peek()) {
		return p.wrong(">, >=, < or <=")
	}
	p.r.Op = p.take()
	n, err := strconv.Atoi(p.peek())
	if err != nil || n < 0 || n > 1_000_000 {
		return p.wrong("a whole number")
	}
	p.r.N = n
	p.next++
	return nil
}

// conditions reads between, on and for, in any order, each once.
func (p *parser) conditions() error {
	var seen []string
	for p.next < len(p.words) {
		w := p.peek()
		if (w != "between" && w != "on" && w != "for") || slices.Contains(seen, w) {
			return p.wrong("between, on or for")
		}
		seen = append(seen, w)
		p.next++
		if err := p.condition(w); err != nil {
			return err
		}
	}
	switch {
	case p.r.Kind == Blind && p.r.For < 10*time.Second:
		return p.tooShort(seen, "5m", 10*time.Second)
	case p.r.Kind == Loitering && p.r.For < time.Second:
		return p.tooShort(seen, "1m", time.Second)
	case p.r.Kind == Crossing && p.r.For > 0:
		return fmt.Errorf("%q: for: a crossing is a moment", p.text)
	}
	return nil
}

// tooShort is the error of a rule whose for, among the conditions that were read, is missing or too short.
func (p *parser) tooShort(seen []string, example string, least time.Duration) error {
	if slices.Contains(seen, "for") {
		return fmt.Errorf("%q: for %s is too short: at least %s", p.text, p.r.For, least)
	}
	return fmt.Errorf("%q: for is missing: for %s, at least %s", p.text, example, least)
}

func (p *parser) condition(w string) (err error) {
	if w == "for" {
		d, err := time.ParseDuration(p.peek())
		if err != nil || d < 0 || d > 7*day {
			return p.wrong("a time up to 168h, as 2s, 3m or 1h30m,")
		}
		p.r.For = d
		p.next++
		return nil
	}
	if p.r.Window == nil {
		p.r.Window = new(Window)
	}
	if w == "on" {
		var ok bool
		if p.r.Window.Days, ok = parseDays(p.peek()); !ok {
			return p.wrong("days of the week, as Mon-Fri or Sat,Sun,")
		}
		p.next++
		return nil
	}
	if p.r.Window.From, err = p.clock(); err != nil {
		return err
	}
	if err := p.expect("and"); err != nil {
		return err
	}
	p.r.Window.To, err = p.clock()
	return err
}

func (p *parser) clock() (time.Duration, error) {
	d, ok := parseClock(p.peek())
	if !ok {
		return 0, p.wrong("a time of day, 00:00 to 23:59,")
	}
	p.next++
	return d, nil
}
