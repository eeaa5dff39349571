package ingest

import (
	"context"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
)

// pacer holds a playback to the pace it was recorded at. It waits before a
// frame is read, so that GrabbedAt is the moment at which a camera would have
// delivered it; the moment is predicted from the frames before, because the
// frame's own position is known only after decoding. A prediction that is too early
// costs nothing: the rest is waited for once the position is known. One that is too late
// delays the frame and hurries those behind it, so the shortest of the last steps counts.
type pacer struct {
	pace    Pace
	fps     float64
	started time.Time // when position 0 was, or would have been
	next    time.Duration
	last    time.Duration
	any     bool

	steps [16]time.Duration // the last distances between two frames, 0: not so many yet
	n     int               // of steps so far
}

// longestForeseen bounds a prediction: a slide show may be over.
const longestForeseen = time.Second

// begin sets the time of position 0, before the frame with this seq; last is the
// position of the frame before it.
func (p *pacer) begin(start time.Time, seq int64, last time.Duration) {
	p.any, p.started, p.last = true, start, last
	step := p.declared()
	p.remember(step)
	if seq == 0 {
		p.last = -step
	}
	p.next = p.last + step
}

// wait returns when the next frame is expected.
func (p *pacer) wait(ctx context.Context) error {
	if p.pace == Fast || !p.any {
		return ctx.Err()
	}
	return backoff.Sleep(ctx, time.Until(p.started.Add(p.next)))
}

// took notes a frame and returns how long it is ahead of its time, where that
// is more than decoding ahead explains.
func (p *pacer) took(pts time.Duration, grabbed time.Time) (early time.Duration) {
	step := pts - p.last
	if !p.any {
		p.started = grabbed.Add(-pts)
		step = p.declared()
	}
	if p.pace == AsRecorded && p.any && pts > p.next+step/4 {
		early = time.Until(p.started.Add(pts))
	}
	p.remember(step)
	p.any, p.last, p.next = true, pts, pts+p.foreseen()
	return max(early, 0)
}

// declared returns the source's declared frame interval, 0 if it declares none.
func (p *pacer) declared() time.Duration {
	if p.fps <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / p.fps)
}

func (p *pacer) remember(step time.Duration) {
	if step > 0 {
		p.steps[p.n%len(p.steps)] = step
		p.n++
	}
}

// foreseen returns how long after a frame the next one is expected.
func (p *pacer) foreseen() time.Duration {
	if p.n == 0 {
		return 0
	}
	shortest := longestForeseen
	for _, step := range p.steps[:min(p.n, len(p.steps))] {
		shortest = min(shortest, step)
	}
	return shortest
}
