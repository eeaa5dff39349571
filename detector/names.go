package detector

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sightlog/sightlog/event"
)

// maxClasses bounds what a graph can make us believe it knows, and maxNames the
// bytes of their names.
const (
	maxClasses = 10_000
	maxNames   = 1 << 20
)

// namesIn reads class names as exporters write them: a list, or a dictionary by
// class id (or of class ids by name), in the notation of JSON or of Python; or
// words between commas, or on lines of their own. A class without a name gets
// that of label.
func namesIn(s string) ([]string, error) {
	s = strings.TrimSpace(s)
	var list []string
	var err error
	switch {
	case len(s) > maxNames:
		return nil, fmt.Errorf("they take more than %d bytes", maxNames)
	case s == "":
		return nil, nil
	case strings.ContainsRune("[({", rune(s[0])):
		list, err = literal(s)
	case strings.Contains(s, "\n"):
		list = strings.Split(s, "\n")
	default:
		list = strings.Split(s, ",")
	}
	if err == nil && len(list) > maxClasses {
		err = fmt.Errorf("there are more than %d", maxClasses)
	}
	if err != nil {
		return nil, err
	}
	for i, n := range list {
		if list[i] = event.ClassName(n); list[i] == "" {
			list[i] = label(nil, i)
		}
	}
	return list, nil
}

// literal reads a list or a dictionary.
func literal(s string) (list []string, err error) {
	p := &literalParser{rest: s[1:]}
	closing := map[byte]byte{'[': ']', '(': ')', '{': '}'}[s[0]]
	for i := 0; ; i++ {
		if p.next(closing) {
			break
		}
		id, name := strconv.Itoa(i), ""
		if closing == '}' {
			if id = p.value(); !p.next(':') {
				return nil, errors.New("a dictionary has no colon after a key")
			}
		}
		if name = p.value(); p.bad {
			return nil, fmt.Errorf("they break off or are no names at %.20q", p.rest)
		}
		if list, err = assign(list, id, name); err != nil {
			return nil, err
		}
		if !p.next(',') && !p.peek(closing) {
			return nil, fmt.Errorf("a comma or %q is missing at %.20q", closing, p.rest)
		}
	}
	if strings.TrimSpace(p.rest) != "" {
		return nil, fmt.Errorf("they go on after their end: %.20q", p.rest)
	}
	return list, nil
}

// assign puts a name at its id, either of which may be the key.
func assign(list []string, id, name string) ([]string, error) {
	at, err := strconv.Atoi(id)
	if err != nil {
		if at, err = strconv.Atoi(name); err != nil {
			return nil, fmt.Errorf("neither of %.20q and %.20q is a class id", id, name)
		}
		name = id
	}
	if at < 0 || at >= maxClasses {
		return nil, fmt.Errorf("%d is no class id", at)
	}
	for len(list) <= at {
		list = append(list, "")
	}
	list[at] = name
	return list, nil
}

// literalParser reads quoted strings, numbers and bare words.
type literalParser struct {
	rest string
	bad  bool // a value was not complete
}

func (p *literalParser) peek(c byte) bool {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	return p.rest != "" && p.rest[0] == c
}

// next skips c if it comes next.
func (p *literalParser) next(c byte) bool {
	if !p.peek(c) {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *literalParser) value() string {
	if p.peek('u') && len(p.rest) > 1 && strings.IndexByte(`'"`, p.rest[1]) >= 0 { // Python 2
		p.rest = p.rest[1:]
	}
	if !p.peek('\'') && !p.peek('"') {
		n := strings.IndexAny(p.rest, ",:]})")
		if n <= 0 {
			p.bad = true
			return ""
		}
		word := strings.TrimSpace(p.rest[:n])
		p.rest = p.rest[n:]
		return word
	}
	quote := p.rest[0]
	var b strings.Builder
	for p.rest = p.rest[1:]; p.rest != ""; {
		if p.rest[0] == quote {
			p.rest = p.rest[1:]
			return b.String()
		}
		r, _, tail, err := strconv.UnquoteChar(p.rest, 0)
		if err != nil { // an escape of another language: as it stands
			var n int
			r, n = utf8.DecodeRuneInString(p.rest)
			tail = p.rest[n:]
		}
		if strings.HasPrefix(p.rest, `\'`) || strings.HasPrefix(p.rest, `\"`) || strings.HasPrefix(p.rest, `\/`) {
			r, tail = rune(p.rest[1]), p.rest[2:]
		}
		b.WriteRune(r)
		p.rest = tail
	}
	p.bad = true
	return ""
}

// classNames guesses the names where the graph has none: COCO's for 80
// classes, or for 91 by the numbers of its own files; person for a single one.
func classNames(n int) []string {
	switch n {
	case len(coco):
		return coco
	case 91:
		return coco91()
	case 1:
		return []string{event.Person}
	}
	names := make([]string, n)
	for i := range names {
		names[i] = label(nil, i)
	}
	return names
}
