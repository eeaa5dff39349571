package ingest

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"gocv.io/x/gocv"
)

// live delivers the newest frame of a camera and never hangs.
//
//	        opens, watches, reopens
//	supervisor ──────────┬──────────────► reader (generation g): grab, retrieve
//	    ▲   silent or    │                          │ publish, if g is current
//	    └── ended ───────┘                          ▼
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
	rate       rate
	stats      Stats
	failed     error  // why there will be no further frame
	behind     int    // readers left in the library
	held       *Frame // with the caller

	due   time.Time // of the next delivery, under MaxFPS; Next's own
	close sync.Once
}

// maxBehind is how many hung readers are tolerated before the source gives
// up: each holds a thread and a decoder, and only the process's end frees them.
const maxBehind = 4

var errBehind = fmt.Errorf("more than %d readers hang in the video library", maxBehind)

// openLive opens a camera, trying for as long as OpenTimeout allows.
func openLive(ctx context.Context, info Info, fresh func() capture, opts Options) (*live, error) {
	l := &live{
		info: info, fresh: fresh, opts: opts, log: opts.Log.With("source", info.Source),
		done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	ctx, cancel := context.WithTimeout(ctx, opts.OpenTimeout)
	defer cancel()
	c, err := l.reopen(ctx)
	if err != nil {
		return nil, err
	}
	l.info.FPS, l.info.Size = c.fps(), c.size()
	run, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() {
		defer close(l.done)
		l.supervise(run, c)
	}()
	return l, nil
}

func (l *live) Info() Info { return l.info }

// reopen opens the capture, again and again until ctx ends, with a pause that
// grows and is jittered so that many cameras do not knock in step.
//
// The time given to one attempt grows too: a server that accepted the
// connection and then hung is not waited for when it has come back.
func (l *live) reopen(ctx context.Context) (capture, error) {
	limit := min(2500*time.Millisecond, l.opts.OpenTimeout)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		c := l.fresh()
		ended, err := openWithin(ctx, c, limit)
		if err == nil {
			return c, nil
		}
		if !l.ends(ended) {
			return nil, l.tooManyBehind()
		}
		limit = min(2*limit, l.opts.OpenTimeout)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		l.log.Debug("source does not open", "err", err, "again_in", pause)
		if err := sleep(ctx, pause/2+rand.N(pause/2)); err != nil {
			return nil, err
		}
	}
}

// ends waits a moment for a goroutine that was told to end. One that hangs in
// the library is left behind and counted until it ends; ends reports false
// when there are too many of them.
func (l *live) ends(ended <-chan struct{}) bool {
	timer := time.NewTimer(l.opts.ReadTimeout / 4)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
	}
	l.mu.Lock()
	l.behind++
	n := l.behind
	l.mu.Unlock()
	go func() { // ends with the goroutine it waits for
		<-ended
		l.mu.Lock()
		l.behind--
		l.mu.Unlock()
	}()
	return n <= maxBehind
}

func (l *live) tooManyBehind() error {
	return fmt.Errorf("read %s: %w", l.info.Source, errBehind)
}

// supervise runs readers one after the other until ctx or the source ends.
func (l *live) supervise(ctx context.Context, c capture) {
	for {
		why := l.watch(ctx, c)
		switch {
		case ctx.Err() != nil:
			l.fail(ctx.Err())
			return
		case errors.Is(why, io.EOF) || errors.Is(why, errBehind):
			l.fail(why)
			return
		}
		l.log.Warn("source lost, opening it again", "why", why)
		var err error
		if c, err = l.reopen(ctx); err != nil {
			l.fail(err)
			return
		}
		l.mu.Lock()
		l.stats.Reopened++
		l.mu.Unlock()
		l.log.Info("source opened again")
	}
}

// watch starts a reader and returns, with the reason, when it has ended or was
// told to because it is silent for ReadTimeout.
func (l *live) watch(ctx context.Context, c capture) error {
	g := l.begin()
	ended := make(chan struct{})
	var why error // set before ended is closed
	go func() {
		defer close(ended)
		why = l.read(c, g)
	}()
	tick := time.NewTicker(max(l.opts.ReadTimeout/8, time.Millisecond))
	defer tick.Stop()
	for {
		silent := time.Duration(0)
		select {
		case <-ended:
			return why
		case <-ctx.Done():
		case <-tick.C:
			l.mu.Lock()
			silent = time.Since(l.arrived)
			l.mu.Unlock()
			if silent < l.opts.ReadTimeout {
				continue
			}
		}
		l.begin() // nothing the reader still has is delivered
		c.interrupt()
		if !l.ends(ended) {
			return l.tooManyBehind()
		}
		return fmt.Errorf("silent for %.1f s", silent.Seconds())
	}
}

// begin starts a generation. What the one before has left undelivered is
// stale by now.
func (l *live) begin() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation++
	l.arrived = time.Now()
	if l.slot != nil {
		l.dropped++
		l.stats.Dropped++
		l.free = append(l.free, l.slot)
		l.slot = nil
	}
	return l.generation
}

// read owns c and delivers its frames until there are none or its generation
// is over.
func (l *live) read(c capture, generation int) error {
	defer c.close()
	f := &Frame{Image: gocv.NewMat()}
	defer func() { f.Image.Close() }()
	recorded := c.finite() && c.fps() > 0
	began, n := time.Now(), 0
	for {
		if recorded {
			// A server gives a recording as fast as it can, a camera would not.
			time.Sleep(time.Until(began.Add(time.Duration(float64(n) / c.fps() * float64(time.Second)))))
			n++
		}
		// The watchdog is the first to lose patience.
		if err := c.grab(l.opts.ReadTimeout + l.opts.ReadTimeout/4); err != nil {
			return err
		}
		f.GrabbedAt = c.arrived()
		if !c.retrieve(&f.Image) {
			continue // a damaged frame: the watchdog counts it as silence
		}
		f.DecodedAt = time.Now()
		spare, current := l.publish(f, generation)
		if !current {
			return errLate
		}
		f = spare
	}
}

// publish puts f into the slot and returns a frame to fill next. It reports
// false, and takes nothing, if the generation is over.
func (l *live) publish(f *Frame, generation int) (spare *Frame, current bool) {
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
	l.arrived = f.GrabbedAt
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
