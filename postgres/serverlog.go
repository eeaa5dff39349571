package postgres

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// PostgreSQL reports in several lines why it does not start, and others follow: the last
// one is not the cause.

var (
	stamp   = regexp.MustCompile(`^.*?\d{4}-\d\d-\d\d \S+ \S+ \[\d+\] `) // log_line_prefix, and what initdb printed before it
	failure = regexp.MustCompile(`\b(FATAL|PANIC|error): `)
	reason  = regexp.MustCompile(`\b(LOG|WARNING|ERROR): .*(could not|unrecognized|invalid|syntax error|must be|does not|outside the valid range)`)
	more    = regexp.MustCompile(`\b(DETAIL|HINT|CONTEXT|detail|hint): `)
	// What it answers to those who connect before it is ready has the form of a failure.
	answer = regexp.MustCompile(`\bFATAL:\s+(the database system is |sorry, too many clients|(role|database) ".*" does not exist)`)
	label  = regexp.MustCompile(`\s*\b(FATAL|PANIC|LOG|WARNING|ERROR|DETAIL|HINT|CONTEXT):\s+`)
)

// firstFailure returns the first failure in text as one line, with the reasons that were
// logged before it and the details after it. Without a failure it is the last line. The
// server's answers to clients are left out.
func firstFailure(text io.Reader) string {
	lines := withoutAnswers(text)
	if len(lines) == 0 {
		return ""
	}
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

// withoutAnswers returns the lines of a log of the server except its answers to clients.
func withoutAnswers(text io.Reader) (lines []string) {
	in := bufio.NewScanner(text)
	answered := false
	for size := 0; size < maxReason && in.Scan(); {
		line := in.Text()
		answered = answer.MatchString(line) || answered && more.MatchString(line)
		if !answered && strings.TrimSpace(line) != "" {
			lines, size = append(lines, line), size+len(line)
		}
	}
	return lines
}

// leastFree is the room that a server needs to start: a segment of its log of writes, and
// some more.
const leastFree = 20 << 20

// freeBytes returns the room on the disk of a directory.
func freeBytes(root *os.Root) (int64, error) {
	dir, err := root.Open(".")
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	var st unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &st); err != nil {
		return 0, err
	}
	if st.Blocks == 0 { // a file system without a limit
		return math.MaxInt64, nil
	}
	return int64(st.Bavail) * st.Bsize, nil
}

// maxLog is the size beyond which the server's log is moved aside at a start.
const maxLog = 8 << 20

// maxReason is how much of a server's log, without its answers to clients, is searched for
// its failure.
const maxReason = 64 << 10

// lastServerError returns the first failure in the server's log behind offset from, and
// that its disk is full: then the log may have lost the failure.
func lastServerError(root *os.Root, from int64) string {
	f, err := root.OpenFile(logName, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	why := cmp.Or(firstFailure(io.NewSectionReader(f, from, maxLog)), "its log is empty")
	if free, err := freeBytes(root); err == nil && free < leastFree {
		why = fmt.Sprintf("its disk is full (%d MiB free): %s", free>>20, why)
	}
	return why
}
