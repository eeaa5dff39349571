package ingest

import (
	"cmp"
	"strings"
)

// naturalOrder compares names as people number them: where both have digits,
// the numbers count, so that 2.jpg comes before 10.jpg. Equal numbers are
// ordered by their leading zeros, and all else by its bytes, so that no two
// names are equal.
func naturalOrder(a, b string) int {
	x, y := a, b // the rest to compare
	for x != "" && y != "" {
		m, n := digits(x), digits(y)
		if m == 0 || n == 0 {
			if x[0] != y[0] {
				return cmp.Compare(x[0], y[0])
			}
			x, y = x[1:], y[1:]
			continue
		}
		p, q := strings.TrimLeft(x[:m], "0"), strings.TrimLeft(y[:n], "0")
		if c := cmp.Or(cmp.Compare(len(p), len(q)), cmp.Compare(p, q)); c != 0 {
			return c
		}
		x, y = x[m:], y[n:]
	}
	// The shorter comes first; where none is, they differ in leading zeros.
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// digits returns how many digits s begins with.
func digits(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}
