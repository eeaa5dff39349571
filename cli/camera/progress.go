package camera

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/pipeline"
)

// progressLine shows how far a run is: on a terminal one line that is drawn
// again, elsewhere a line every lineEvery.
type progressLine struct {
	w        io.Writer
	terminal bool
	drawn    bool
	last     time.Time
}

const lineEvery = 5 * time.Second

func newProgressLine(w io.Writer) *progressLine {
	p := &progressLine{w: w, last: time.Now()}
	if f, ok := w.(*os.File); ok {
		if st, err := f.Stat(); err == nil {
			p.terminal = st.Mode()&os.ModeCharDevice != 0
		}
	}
	return p
}

func (l *progressLine) show(p pipeline.Progress) {
	switch {
	case l.terminal:
		fmt.Fprint(l.w, "\r\x1b[K"+progressText(p))
		l.drawn = true
	case p.Frames > 0 && time.Since(l.last) >= lineEvery:
		l.last = time.Now()
		fmt.Fprintln(l.w, progressText(p))
	}
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
	fmt.Fprintf(&b, "  %.1f fps  %d people  lag %d", p.FPS, p.People, p.Lag)
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
	return b.String()
}

// frameTotal is how many frames the sources of this opening hold, 0 when one
// of them does not say.
func frameTotal(cams []pipeline.Camera) (n int64) {
	for _, c := range cams {
		if c.Total == 0 {
			return 0
		}
		n += c.Total - c.Next
	}
	return n
}

func dropped(cams []pipeline.Camera) (n int64) {
	for _, c := range cams {
		n += c.Dropped
	}
	return n
}

func skipped(cams []pipeline.Camera) (n int64) {
	for _, c := range cams {
		n += c.Skipped
	}
	return n
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond)) }

// summarise says what a run did.
func summarise(env *cli.Env, p pipeline.Progress) {
	for _, c := range p.Cameras {
		if c.Next > 0 {
			fmt.Fprintf(env.Stdout, "%s: went on at frame %d of an unfinished run\n", c.ID, c.Next)
		}
	}
	fmt.Fprintf(env.Stdout, "%d frames, %d detections, %d sightings committed in %.1f s (%.1f frames/s)\n",
		p.Frames, p.Objects, p.Rows, p.Elapsed.Seconds(), float64(p.Frames)/p.Elapsed.Seconds())
	if s := skipped(p.Cameras); s > 0 {
		fmt.Fprintf(env.Stdout, "%d frames were not looked at: a camera's fps, or nothing moved\n", s)
	}
	if p.P50 > 0 {
		fmt.Fprintf(env.Stdout, "grabbed to committed: p50 %s, p99 %s\n", ms(p.P50), ms(p.P99))
	}
	if p.Lag > 0 {
		fmt.Fprintf(env.Stdout, "%d records wait in the log; the next start writes them\n", p.Lag)
	}
}
