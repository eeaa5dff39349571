package postgres

import (
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// PostgreSQL reports in several lines why it does not start, and others follow: the last
// one is not the cause.

var (
	stamp   = regexp.MustCompile(`^.*?\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] `) // log_line_prefix, and what initdb printed before it
	failure = regexp.MustCompile(`\b(FATAL|PANIC|error): `)
	reason  = regexp.MustCompile(`\b(LOG|WARNING|ERROR): .*(could not|unrecognized|invalid|syntax error|must be|does not|outside the valid range)`)
	more    = regexp.MustCompile(`\b(DETAIL|HINT|CONTEXT|detail|hint): `)
	label   = regexp.MustCompile(`\s*\b(FATAL|PANIC|LOG|WARNING|ERROR|DETAIL|HINT|CONTEXT):\s+`)
)

// firstFailure returns the first failure in text as one line, with the reasons that were
// logged before it and the details after it. Without a failure it is the last line.
func firstFailure(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	at := slices.IndexFunc(lines, failure.MatchString)
	if at < 0 {
		return lines[len(lines)-1]
	}
	var words []string
	say := func(line string) {
		line = label.ReplaceAllString(stamp.ReplaceAllString(line, ""), "")
		if line = strings.TrimSuffix(strings.Join(strings.Fields(line), " "), "."); !slices.Contains(words, line) {
			words = append(words, line)
		}
	}
	say(lines[at])
	for _, line := range lines[:at] {
		if reason.MatchString(line) {
			say(line)
		}
	}
	for _, line := range lines[at+1:] {
		if !more.MatchString(line) {
			break
		}
		say(line)
	}
	return strings.Join(words, "; ")
}

// lastServerError returns the first failure in the server's log behind offset from.
func lastServerError(root *os.Root, from int64) string {
	f, err := root.OpenFile(logName, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, from, 64<<10))
	if err != nil {
		return err.Error()
	}
	if len(text) == 0 {
		return "its log is empty"
	}
	return firstFailure(string(text))
}
