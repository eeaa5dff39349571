package settings

import (
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// DiffLine is a line that a change removes or adds.
type DiffLine struct {
	Line int    `json:"line"` // its number, in the file before if it is removed, else after
	Op   string `json:"op"`   // - or +
	Text string `json:"text"`
}

// lines compares two texts. Lines that stay are left out: others of the file may have secrets.
func lines(before, after string) (all []DiffLine) {
	a, b := difflib.SplitLines(before), difflib.SplitLines(after)
	all = []DiffLine{}
	add := func(op string, from []string, i, j int) {
		for ; i < j; i++ {
			if text := strings.TrimRight(from[i], "\r\n"); text != "" || i < len(from)-1 {
				all = append(all, DiffLine{Line: i + 1, Op: op, Text: text})
			}
		}
	}
	for _, o := range difflib.NewMatcher(a, b).GetOpCodes() {
		if o.Tag != 'e' {
			add("-", a, o.I1, o.I2)
			add("+", b, o.J1, o.J2)
		}
	}
	return all
}
