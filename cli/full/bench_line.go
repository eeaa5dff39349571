package full

import (
	"fmt"
	"io"
	"time"

	"github.com/sightlog/sightlog/bench"
)

// benchLine shows how far a measurement is, as progressLine does.
type benchLine struct {
	*progressLine
	what string // that a line was written for last
}

func newBenchLine(w io.Writer) *benchLine { return &benchLine{progressLine: newProgressLine(w)} }

func (l *benchLine) show(s bench.Step) {
	switch {
	case l.terminal != nil:
		fmt.Fprint(l.w, "\r\x1b[K"+l.fit(benchText(s)))
		l.drawn = true
	case s.What != l.what || time.Since(l.last) >= l.every:
		l.every, l.what, l.last = min(2*l.every, longestEvery), s.What, time.Now()
		fmt.Fprintln(l.w, benchText(s))
	}
}

func benchText(s bench.Step) string {
	text := s.What
	if s.Frames > 0 {
		text += fmt.Sprintf(": %d frames, %.1f frames/s", s.Frames, s.FPS)
	}
	if s.P99 > 0 {
		text += ", p99 " + ms(s.P99)
	}
	if s.Left > 0 {
		text += fmt.Sprintf("  about %s left", s.Left.Round(time.Second))
	}
	if s.Problem != "" {
		text += "  PROBLEM: " + s.Problem
	}
	return text
}
