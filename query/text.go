package query

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The widths of the columns are those of the first rows: at most so many, of at
// most so many bytes together. A later cell that is wider moves its own line.
const (
	sampleRows  = 1000
	sampleBytes = 1 << 20
	maxWidth    = 120 // a wider cell does not widen its column
)

// textFormat aligns columns. It holds the first rows back until it knows how
// wide they are.
type textFormat struct {
	w     *bufio.Writer
	held  [][]string // the head, then the sample; nil once the widths are set
	bytes int
	width []int
	right []bool // numbers line up at their ends
}

func (f *textFormat) head(columns []column) error {
	f.width = make([]int, len(columns))
	f.right = make([]bool, len(columns))
	f.held = [][]string{f.cells(len(columns), func(i int) any { return columns[i].name })}
	return nil
}

func (f *textFormat) row(cells []any) error {
	line := f.cells(len(cells), func(i int) any { return cells[i] })
	if f.held == nil {
		return f.line(line)
	}
	for i, v := range cells {
		_, number := v.(json.Number)
		f.right[i] = (f.right[i] || len(f.held) == 1) && (number || v == nil)
		f.bytes += len(line[i])
	}
	f.held = append(f.held, line)
	if len(f.held) > sampleRows || f.bytes > sampleBytes {
		return f.release()
	}
	return nil
}

func (f *textFormat) end() error { return f.release() }

func (f *textFormat) cells(n int, at func(int) any) []string {
	line := make([]string, n)
	for i := range line {
		line[i] = printable(text(at(i)))
	}
	return line
}

// release sets the widths and writes what was held back.
func (f *textFormat) release() error {
	for _, line := range f.held {
		for i, s := range line {
			if n := utf8.RuneCountInString(s); n <= maxWidth {
				f.width[i] = max(f.width[i], n)
			}
		}
	}
	for _, line := range f.held {
		if err := f.line(line); err != nil {
			return err
		}
	}
	f.held = nil
	return nil
}

func (f *textFormat) line(cells []string) error {
	var b strings.Builder
	for i, s := range cells {
		if i > 0 {
			b.WriteString("  ")
		}
		pad := strings.Repeat(" ", max(0, f.width[i]-utf8.RuneCountInString(s)))
		if f.right[i] {
			b.WriteString(pad + s)
		} else {
			b.WriteString(s + pad)
		}
	}
	if _, err := f.w.WriteString(strings.TrimRight(b.String(), " ")); err != nil {
		return err
	}
	return f.w.WriteByte('\n')
}

// unsafe reports whether a sign could steer a terminal. Spaces could not, nor
// the two joiners that scripts and emoji need.
func unsafe(r rune) bool {
	return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) && r != '\u200c' && r != '\u200d'
}

// printable shows what is not printable (control characters, bytes that are no
// UTF-8, signs that turn the direction of writing) as \x.. or \u...., so that
// a value cannot steer the terminal it is shown on.
func printable(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, unsafe) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// Printable is text for a terminal: its lines, and tabs, stay; whatever else
// could steer the terminal is escaped. It returns b itself where there is none.
func Printable(b []byte) []byte {
	plain := func(r rune) bool { return r == '\n' || r == '\t' || !unsafe(r) }
	if utf8.Valid(b) && bytes.IndexFunc(b, func(r rune) bool { return !plain(r) }) < 0 {
		return b
	}
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, `\x%02x`, b[0])
		case plain(r):
			out = append(out, b[:n]...)
		default:
			q := strconv.QuoteRune(r)
			out = append(out, q[1:len(q)-1]...)
		}
		b = b[n:]
	}
	return out
}
