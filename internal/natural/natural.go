// Package natural orders names as people do: cam2 before cam10.
package natural

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// Compare compares two names: runs of digits by their value, letters of ASCII without regard to
// case, all else by its bytes. Names that are alike in this are compared by their bytes, so that 0
// means the same name.
func Compare(a, b string) int {
	x, y := a, b
	for x != "" && y != "" {
		if isDigit(x[0]) && isDigit(y[0]) {
			n, m := digits(x), digits(y)
			if c := compareNumbers(x[:n], y[:m]); c != 0 {
				return c
			}
			x, y = x[n:], y[m:]
			continue
		}
		if c := cmp.Compare(lower(x[0]), lower(y[0])); c != 0 {
			return c
		}
		x, y = x[1:], y[1:]
	}
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(a, b))
}

// Sort sorts names.
func Sort(names []string) { slices.SortFunc(names, Compare) }

// Sorted collects names and sorts them.
func Sorted(names iter.Seq[string]) []string { return slices.SortedFunc(names, Compare) }

// compareNumbers compares numbers of any length by their digits.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

func digits(s string) (n int) {
	for n < len(s) && isDigit(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
