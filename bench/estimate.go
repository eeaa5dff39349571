package bench

import (
	"fmt"
	"time"

	"github.com/sightlog/sightlog/pipeline"
)

// startupGuess is how long a round takes beside what is measured, until one was seen.
const startupGuess = 6 * time.Second

// estimate tells how far a measurement is.
type estimate struct {
	cfg    Config
	what   string
	number int // of the round
	began  time.Time
	length time.Duration // of the round before; 0: there was none
}

func newEstimate(cfg Config) *estimate { return &estimate{cfg: cfg} }

// round begins a round.
func (e *estimate) round(number int) {
	if number > 0 {
		e.length = time.Since(e.began)
	}
	e.number, e.began = number, time.Now()
	e.what = fmt.Sprintf("round %d of %d", number+1, e.cfg.Rounds)
}

// progress shows the state of the round; w is nil until its first frame is due.
func (e *estimate) progress(p pipeline.Progress, w *watch) {
	if e.cfg.Progress == nil {
		return
	}
	s := Step{What: e.what, Frames: p.Frames, FPS: p.FPS, P99: p.P99, Left: e.left(time.Now(), w)}
	if len(p.Problems) > 0 {
		s.Problem = p.Problems[0]
	}
	e.cfg.Progress(s)
}

// left is the time until the end of the last round, 0 where it is not known.
func (e *estimate) left(now time.Time, w *watch) time.Duration {
	each := e.length
	if each == 0 && e.cfg.Duration > 0 {
		each = startupGuess + e.cfg.length()
	}
	if w != nil && !w.to.IsZero() {
		if e.length == 0 {
			each = w.to.Sub(e.began)
		}
		return max(0, w.to.Sub(now)) + time.Duration(e.cfg.Rounds-1-e.number)*each
	}
	return max(0, time.Duration(e.cfg.Rounds-e.number)*each-now.Sub(e.began))
}
