package pipeline

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"sync"
)

// stderrTail passes a child's standard error on and retains the lines that explain its
// end: the first line of a crash report, and the last line before it.
type stderrTail struct {
	to io.Writer

	mu    sync.Mutex // guards the following
	rest  []byte     // of a line that has not ended yet, at most maxLine
	crash string     // first line of the Go runtime's report of a crash
	last  string     // last line before it
}

// maxLine bounds the retained part of a line, in bytes.
const maxLine = 1 << 10

// crashLine matches the first line of the Go runtime's crash report, of Go or of a
// signal in C code.
var crashLine = regexp.MustCompile(`^(panic: |fatal error: |SIG[A-Z]+: |runtime: )`)

func (t *stderrTail) Write(p []byte) (int, error) {
	t.mu.Lock()
	rest := p
	for {
		line, after, whole := bytes.Cut(rest, []byte("\n"))
		if room := maxLine - len(t.rest); room > 0 {
			t.rest = append(t.rest, line[:min(len(line), room)]...)
		}
		if !whole {
			break
		}
		t.line(strings.TrimSpace(string(t.rest)))
		t.rest, rest = t.rest[:0], after
	}
	t.mu.Unlock()
	return t.to.Write(p)
}

// line records a complete line. The caller holds mu.
func (t *stderrTail) line(s string) {
	switch {
	case s == "" || t.crash != "": // stacks follow a crash
	case crashLine.MatchString(s):
		t.crash = s
	default:
		t.last = s
	}
}

// cause returns the lines that explain the child's end, "" if there are none.
func (t *stderrTail) cause() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if rest := strings.TrimSpace(string(t.rest)); rest != "" {
		t.line(rest)
		t.rest = nil
	}
	switch {
	case t.crash != "" && t.last != "":
		return t.crash + "; before that: " + t.last
	case t.crash != "":
		return t.crash
	case t.last != "":
		return "its last line: " + t.last
	}
	return ""
}
