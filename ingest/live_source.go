package ingest

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"gocv.io/x/gocv"
)

// live delivers the newest frame of a camera and never hangs.
//
//	        opens, watches, reopens
//	supervisor ──────────┬──────────────► reader (generation g): grab, retrieve
//	    ▲   silent or    │                          │ publish, if g is current
//	    └── ended ───────┘ (backoff)                ▼
//	                                         one slot, newest wins ──► Next
//
// A reader owns its capture. One that hangs in the video library cannot be
// stopped: it is left behind, its generation is over so that nothing it still
// reads is delivered, and it frees its capture when the library lets go of it.
type live struct {
	info  Info
	fresh func() capture // makes one that is not open yet
	opts  Options
	log   *slog.Logger

	// The opener's, then the supervisor's.
	tries    *Backoff
	cause    error  // why it did not open the last time
	reported string // the failure reported last

	recording bool // it has an end, by the first opening

	stop context.CancelFunc
	done chan struct{} // closed when the supervisor has ended
	wake chan struct{} // cap 1: the slot has a frame, or failed is set

	mu sync.Mutex // guards the following
	// generation is the current reader's; a frame of any other is thrown away.
	generation int
	slot       *Frame // newest, not yet delivered; nil if there is none
	free       []*Frame
	dropped    int64 // since the frame delivered last
	seq        int64 // of the next frame to arrive
	started    time.Time
	arrived    time.Time // of the newest frame, or when its reader began
	alive      time.Time // when the current reader had a frame last, delivered before or not; ahead of now while one is not due yet
	delivered  delivered // by the current reader
	silence    silence
	history    history // where the source is timed
	rate       rate
	stats      Stats
	failed     error  // why there will be no further frame
	behind     int    // readers left in the library
	held       *Frame // with the caller

	due   time.Time // of the next delivery, under MaxFPS; Next's own
	close sync.Once
}

// delivered is what one reader has given.
type delivered struct {
	frames      int64
	first, last time.Time // arrivals
}

func (d *delivered) add(at time.Time, s *silence) {
	if d.frames++; d.frames == 1 {
		d.first = at
	} else {
		s.interval(at.Sub(d.last))
	}
	d.last = at
}

// lasting is for how long a reader must deliver frames for its source to count
// as found again.
const lasting = 5 * time.Second

func (d *delivered) lasted() bool { return d.last.Sub(d.first) >= lasting }

// maxBehind is how many hung readers are tolerated before the source gives
// up: each holds a thread and a decoder, and only the process's end frees them.
const maxBehind = 4

var errBehind = fmt.Errorf("more than %d readers hang in the video library", maxBehind)

func (l *live) Info() Info { return l.info }

// begin starts a generation.
func (l *live) begin() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
	now := time.Now()
	l.arrived, l.alive, l.delivered = now, now, delivered{}
	return l.generation
}

// over ends a generation.
func (l *live) over() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

// end, with mu held, ends a generation. What it has left undelivered is stale
// by now.
func (l *live) end() {
	l.generation++
	if l.slot != nil {
		l.dropped++
		l.stats.Dropped++
		l.free = append(l.free, l.slot)
		l.slot = nil
	}
}

// publish puts f into the slot and returns a frame to fill next. It reports
// false, and takes nothing, if the generation is over.
func (l *live) publish(f *Frame, generation int, t *timing) (spare *Frame, current bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if generation != l.generation {
		return f, false
	}
	if l.started.IsZero() {
		l.started = f.GrabbedAt
	}
	f.Seq, f.PTS = l.seq, f.GrabbedAt.Sub(l.started)
	l.seq++
	l.alive, l.arrived = time.Now(), f.GrabbedAt
	l.delivered.add(f.GrabbedAt, &l.silence)
	if t != nil {
		l.history.add(t.id, t.at)
	}
	l.stats.Frames++
	l.rate.add(f.GrabbedAt)
	if size := f.Size(); size != l.stats.Size {
		if l.stats.Size != (image.Point{}) {
			l.log.Info("source changed its picture", "from", l.stats.Size, "to", size)
		}
		l.stats.Size = size
	}
	spare, l.slot = l.slot, f
	switch n := len(l.free); {
	case spare != nil:
		l.dropped++
		l.stats.Dropped++
	case n > 0:
		spare, l.free = l.free[n-1], l.free[:n-1]
	default:
		spare = &Frame{Image: gocv.NewMat()}
	}
	l.signal()
	return spare, true
}

func (l *live) signal() {
	select {
	case l.wake <- struct{}{}:
	default: // Next has not taken the signal before: it will look
	}
}

func (l *live) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
	l.signal()
}

func (l *live) Next(ctx context.Context, f *Frame) error {
	if l.opts.MaxFPS > 0 {
		if err := sleep(ctx, time.Until(l.due)); err != nil {
			return err
		}
		interval := time.Duration(float64(time.Second) / l.opts.MaxFPS)
		l.due = l.due.Add(interval)
		if now := time.Now(); l.due.Before(now) { // late: do not catch up
			l.due = now.Add(interval)
		}
	}
	for {
		l.mu.Lock()
		if l.held != nil {
			l.free = append(l.free, l.held)
			l.held = nil
		}
		got, failed := l.slot, l.failed
		if got != nil {
			got.Dropped = l.dropped
			l.slot, l.dropped = nil, 0
		}
		l.mu.Unlock()
		switch {
		case got != nil:
			l.held, *f = got, *got
			return nil
		case errors.Is(failed, context.Canceled):
			l.signal() // for the next call
			return fmt.Errorf("read %s: the source is closed", l.info.Source)
		case failed != nil:
			l.signal()
			return failed
		}
		select {
		case <-l.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// latest replaces f, which Next has delivered, by a newer frame if there is
// one.
func (l *live) latest(f *Frame) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slot == nil || l.held == nil {
		return
	}
	l.free = append(l.free, l.held)
	l.held, l.slot = l.slot, nil
	l.held.Dropped = f.Dropped + 1 + l.dropped
	l.stats.Dropped++ // the one replaced
	l.dropped = 0
	*f = *l.held
}

func (l *live) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.FPS = l.rate.perSecond()
	s.Silent = time.Since(l.arrived)
	return s
}

// Close waits for the supervisor, and for the reader as long as the library
// lets go of it in time.
func (l *live) Close() error {
	l.close.Do(func() {
		l.stop()
		<-l.done
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, f := range append(l.free, l.slot, l.held) {
			if f != nil {
				f.Image.Close()
			}
		}
		l.slot, l.held, l.free = nil, nil, nil
	})
	return nil
}

// rate measures frames a second over the last arrivals.
type rate struct {
	at [64]time.Time
	n  int
}

func (r *rate) add(t time.Time) {
	r.at[r.n%len(r.at)] = t
	r.n++
}

func (r *rate) perSecond() float64 {
	n := min(r.n, len(r.at))
	if n < 2 {
		return 0
	}
	last, first := r.at[(r.n-1)%len(r.at)], r.at[(r.n-n)%len(r.at)]
	if d := last.Sub(first).Seconds(); d > 0 {
		return float64(n-1) / d
	}
	return 0
}
