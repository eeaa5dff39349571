package full

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/pipeline"
)

// progressLine shows how far a run is: on a terminal one line that is drawn
// again, elsewhere a line every lineEvery at first, then ever more rarely: a log
// of months is no place for one every few seconds.
type progressLine struct {
	w        io.Writer
	terminal *os.File // nil where w is none
	drawn    bool
	last     time.Time
	every    time.Duration
	problems []string // that were shown last

	page string // its address, until it is shown: with the first source that has opened, so that one that cannot is one line
	wait bool   // sources may take for ever to open
}

const (
	lineEvery    = 5 * time.Second
	longestEvery = 5 * time.Minute
)

func newProgressLine(w io.Writer) *progressLine {
	return &progressLine{w: w, terminal: cli.Terminal(w), last: time.Now(), every: lineEvery}
}

func (l *progressLine) show(p pipeline.Progress) {
	if l.page != "" && (l.wait || slices.ContainsFunc(p.Cameras, opened)) {
		if l.drawn {
			fmt.Fprint(l.w, "\r\x1b[K")
		}
		fmt.Fprintln(l.w, "page: "+l.page)
		l.page = ""
	}
	news := len(p.Problems) != len(l.problems) // their lines count the time, too
	l.problems = p.Problems
	switch {
	case l.terminal != nil:
		fmt.Fprint(l.w, "\r\x1b[K"+l.fit(progressText(p)))
		l.drawn = true
	case news, (p.Frames > 0 || opening(p.Cameras)) && time.Since(l.last) >= l.every:
		if l.every = min(2*l.every, longestEvery); news {
			l.every = lineEvery
		}
		l.last = time.Now()
		fmt.Fprintln(l.w, progressText(p))
	}
}

// fit cuts a line to the terminal's width: one that wraps is not drawn over.
func (l *progressLine) fit(line string) string {
	size, err := unix.IoctlGetWinsize(int(l.terminal.Fd()), unix.TIOCGWINSZ)
	if r := []rune(line); err == nil && size.Col > 0 && len(r) >= int(size.Col) {
		return string(r[:size.Col-1])
	}
	return line
}

// end leaves the line for what follows.
func (l *progressLine) end() {
	if l.drawn {
		fmt.Fprintln(l.w)
	}
}

func progressText(p pipeline.Progress) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d frames", p.Frames)
	if n := frameTotal(p.Cameras); n > 0 {
		fmt.Fprintf(&b, " of %d", n)
	}
	fmt.Fprintf(&b, "  %.1f fps  %d people  lag %s", p.FPS, p.People, lagText(p.Lag))
	if p.P50 > 0 {
		fmt.Fprintf(&b, "  latency p50 %s p99 %s", ms(p.P50), ms(p.P99))
	}
	if d := dropped(p.Cameras); d > 0 {
		fmt.Fprintf(&b, "  dropped %d", d)
	}
	if s := skipped(p.Cameras); s > 0 {
		fmt.Fprintf(&b, "  skipped %d", s)
	}
	for _, c := range p.Cameras {
		if c.State == pipeline.Opening {
			fmt.Fprintf(&b, "  opening %s", c.ID)
		}
	}
	if n := len(p.Problems); n > 0 {
		fmt.Fprintf(&b, "  PROBLEM: %s", p.Problems[0])
		if n > 1 {
			fmt.Fprintf(&b, " (and %d more)", n-1)
		}
	}
	return b.String()
}

// opening reports whether a source is waited for.
func opening(cams []pipeline.CameraStatus) bool {
	return slices.ContainsFunc(cams, func(c pipeline.CameraStatus) bool { return c.State == pipeline.Opening })
}

func opened(c pipeline.CameraStatus) bool {
	return c.State == pipeline.Running || c.State == pipeline.Ended
}

func lagText(lag int64) string {
	if lag < 0 {
		return "unknown"
	}
	return strconv.FormatInt(lag, 10)
}

// frameTotal is how many frames the sources of this opening hold, 0 when one
// of them does not say.
func frameTotal(cams []pipeline.CameraStatus) (n int64) {
	for _, c := range cams {
		if c.Total == 0 {
			return 0
		}
		n += c.Total - c.Next
	}
	return n
}

func dropped(cams []pipeline.CameraStatus) (n int64) {
	for _, c := range cams {
		n += c.Dropped
	}
	return n
}

func skipped(cams []pipeline.CameraStatus) (n int64) {
	for _, c := range cams {
		n += c.Skipped
	}
	return n
}

func jumps(cams []pipeline.CameraStatus) (n int64) {
	for _, c := range cams {
		n += c.Jumps
	}
	return n
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

// summarise says what a run did.
func summarise(env *cli.Env, p pipeline.Progress) {
	for _, c := range p.Cameras {
		if c.AtEnd {
			fmt.Fprintf(env.Stdout, "%s: was read to its end by the start before, which was interrupted; not read again\n", c.ID)
		}
		if c.Next > 0 {
			fmt.Fprintf(env.Stdout, "%s: went on at frame %d of an unfinished run\n", c.ID, c.Next)
		}
	}
	fmt.Fprintf(env.Stdout, "%d frames, %d detections, %d sightings committed in %.1f s (%.1f frames/s)\n",
		p.Frames, p.Objects, p.Rows, p.Elapsed.Seconds(), float64(p.Frames)/p.Elapsed.Seconds())
	if s := skipped(p.Cameras); s > 0 {
		fmt.Fprintf(env.Stdout, "%d frames were not looked at: a camera's fps, or nothing moved\n", s)
	}
	if j := jumps(p.Cameras); j > 0 {
		fmt.Fprintf(env.Stdout, "timestamps that jumped: %d; their frames follow after one frame interval\n", j)
	}
	if p.P50 > 0 {
		fmt.Fprintf(env.Stdout, "grabbed to committed: p50 %s, p99 %s\n", ms(p.P50), ms(p.P99))
	}
	switch {
	case p.InLog > 0:
		fmt.Fprintf(env.Stdout, "%d records wait in the log; the next start writes them\n", p.InLog)
	case p.InLog < 0:
		fmt.Fprintln(env.Stdout, "how many records wait in the log is not known; the next start writes them")
	}
	sayHowToResume(env, p.Cameras, os.Args)
}
