package rule

import (
	"fmt"
	"strings"
	"unicode"
)

// Renamed returns the text of a rule that has been resolved, as the file has it, with other names of zones and lines
// of a camera; every other byte stays. It is an error if a rule cannot have the new name.
func (r *Rule) Renamed(text, camera string, zones, lines map[string]string) (string, error) {
	if r.Camera != camera {
		return text, nil
	}
	to, ok := zones[r.Zone]
	if r.Line != "" {
		to, ok = lines[r.Line]
	}
	if !ok || r.Zone == "" && r.Line == "" {
		return text, nil
	}
	if strings.ContainsFunc(to, unicode.IsSpace) {
		return "", fmt.Errorf("%q: it cannot have the name %q, which has spaces", r.Text, to)
	}
	from, end := thirdWord(text)
	return text[:from] + camera + "/" + to + text[end:], nil
}

// thirdWord returns where the third word is, which names the subject of all rules that have a zone or a line.
func thirdWord(text string) (from, end int) {
	for range 3 {
		from = end + strings.IndexFunc(text[end:], func(r rune) bool { return !unicode.IsSpace(r) })
		end = len(text)
		if n := strings.IndexFunc(text[from:], unicode.IsSpace); n >= 0 {
			end = from + n
		}
	}
	return from, end
}
