package ingest

import (
	"cmp"
	"context"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
)

// playout shows the frames of a timed source when a camera would have: a server
// gives a recording, or a segment of some seconds, as fast as it can.
type playout struct {
	declared time.Duration // frame interval; 0 unknown

	zero time.Time     // when position 0 was, or would have been, shown
	last time.Duration // position of the frame before
	any  bool
}

const (
	// maxStep is the greatest step between two positions that is waited for, or
	// ten declared frame intervals where that is longer. A greater one, or one
	// back, begins a new timeline.
	maxStep = 5 * time.Second
	// maxLate is how late a frame may be and the next ones hurry after it; a
	// later one, of a server that had nothing to give, moves the timeline.
	maxLate = time.Second
)

// due returns when the frame at a position is to be shown.
func (p *playout) due(at time.Duration, now time.Time) time.Time {
	due, step := p.zero.Add(at), at-p.last
	if !p.any || step < 0 || step > max(maxStep, 10*p.declared) || now.Sub(due) > maxLate {
		p.zero, due = now.Add(-at), now
	}
	p.any, p.last = true, at
	return due
}

// timing is the reader's way through a timed source.
type timing struct {
	l          *live
	c          capture
	generation int
	playout    playout
	again      bool       // all frames so far were delivered before
	newest     timedFrame // grabbed last
}

// timing returns nil where the source is not timed. One that is opened again
// resumes behind the last frame read.
func (l *live) timing(c capture, generation int) *timing {
	if !c.timed() {
		return nil
	}
	limit := l.grabLimit()
	l.mu.Lock()
	again, last := l.history.n > 0, l.history.last
	l.mu.Unlock()
	if again && c.finite() {
		c.seek(last, limit) // where it cannot, frames read before are passed over
	}
	t := &timing{l: l, c: c, generation: generation, again: again}
	if fps := c.fps(); fps > 0 {
		t.playout.declared = time.Duration(float64(time.Second) / fps)
	}
	return t
}

// wait waits until the frame grabbed last is due. It reports false for one that
// was delivered before.
func (t *timing) wait(ctx context.Context) (wanted bool, err error) {
	at, ok := t.c.position()
	if !ok {
		at = t.newest.at + cmp.Or(t.playout.declared, defaultInterval)
	}
	t.newest = timedFrame{t.c.id(), at}
	if t.again && t.known() {
		return false, ctx.Err()
	}
	t.again = false // it is new, and so are all that follow
	due := t.playout.due(at, time.Now())
	t.noteActivity(due)
	return true, backoff.Sleep(ctx, time.Until(due))
}

// frame returns the frame grabbed last; nil where the source is not timed.
func (t *timing) frame() *timedFrame {
	if t == nil {
		return nil
	}
	return &t.newest
}

func (t *timing) known() bool {
	t.l.mu.Lock()
	known := t.l.history.holds(t.newest, t.c.finite())
	t.l.mu.Unlock()
	if known {
		t.noteActivity(time.Now())
	}
	return known
}

// noteActivity counts the silence of the current reader from a moment on: neither
// passing frames over nor waiting until one is due is silence.
func (t *timing) noteActivity(from time.Time) {
	t.l.mu.Lock()
	defer t.l.mu.Unlock()
	if t.generation == t.l.generation {
		t.l.lastActivity = from
	}
}
