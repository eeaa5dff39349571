package cli

import (
	"errors"
	"io"
	"slices"
	"syscall"
	"unicode/utf8"

	"github.com/sightlog/sightlog/query"
)

// answer is the output of a query. On a terminal, control characters are escaped,
// whatever the format: names and texts in a database or cluster may be hostile. A reader
// that stops reading (head) is not an error.
type answer struct {
	w        io.Writer
	terminal bool
	closed   bool   // by the reader
	rest     []byte // first bytes of an incomplete UTF-8 sequence, on a terminal
}

func openAnswer(w io.Writer) *answer {
	a := &answer{w: w, terminal: Terminal(w) != nil}
	if o, ok := w.(output); ok {
		a.w = o.File
	}
	return a
}

// Write implements io.Writer.
func (a *answer) Write(b []byte) (int, error) {
	text := b
	if a.terminal {
		text = append(a.rest, b...)
		whole := len(text)
		for i := max(0, whole-utf8.UTFMax+1); i < whole; i++ {
			if utf8.RuneStart(text[i]) && !utf8.FullRune(text[i:]) {
				whole = i
			}
		}
		a.rest = slices.Clone(text[whole:])
		text = query.Printable(text[:whole])
	}
	if _, err := a.w.Write(text); err != nil {
		a.closed = errors.Is(err, syscall.EPIPE)
		return 0, err
	}
	return len(b), nil
}

// done returns the error of writing the answer, or nil if its reader stopped reading.
func (a *answer) done(err error) error {
	if a.closed {
		return nil
	}
	return err
}
