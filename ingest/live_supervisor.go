package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/ingest/newest"
)

// openLive opens a camera, trying for as long as OpenTimeout allows, or until
// the server refuses it.
func openLive(ctx context.Context, info Info, newCapture func() capture, opts Options) (*live, error) {
	l := &live{
		info: info, newCapture: newCapture, opts: opts, log: opts.Log.With("source", info.Source), tries: opts.Backoff,
		slot: newest.New(func() *Frame { return &Frame{Image: gocv.NewMat()} }), limit: limitTo(opts.MaxFPS),
		done: make(chan struct{}), silence: silence{least: opts.ReadTimeout},
	}
	ctx, cancel := context.WithTimeout(ctx, opts.OpenTimeout)
	defer cancel()
	c, err := l.open(ctx, failOnRefusal)
	if err != nil {
		return nil, err
	}
	l.info.FPS, l.info.Size, l.recording = c.fps(), c.size(), c.finite()
	run, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() {
		defer close(l.done)
		l.supervise(run, c)
	}()
	return l, nil
}

const (
	// firstTry is given to the first try to open a source. Each further one has
	// twice as long, up to lastTry, or OpenTimeout where that is longer: a server that accepted the connection and
	// then hung is not waited for when it has come back, and one that gives a
	// picture now and then opens at last.
	firstTry = 2500 * time.Millisecond
	lastTry  = 30 * time.Second
)

// onRefusal is what a server's refusal means for open.
type onRefusal bool

const (
	failOnRefusal  onRefusal = true  // it is returned: at the start a user can correct it
	retryOnRefusal onRefusal = false // it is a failure like any other
)

// open opens the capture, again and again until ctx ends.
func (l *live) open(ctx context.Context, refusals onRefusal) (capture, error) {
	limit := min(firstTry, l.opts.OpenTimeout)
	for {
		began := time.Now()
		c := l.newCapture()
		ended, err := openWithin(ctx, c, limit)
		if err == nil {
			l.opened(c, time.Since(began))
			return c, nil
		}
		if !l.waitReader(ended) {
			return nil, l.tooManyStuck()
		}
		if ctx.Err() != nil {
			return nil, &unopened{l.cause, ctx.Err()}
		}
		l.notOpened(err)
		var refused *refusal
		if refusals == failOnRefusal && errors.As(err, &refused) {
			return nil, err
		}
		if l.tries.Wait(ctx) != nil {
			return nil, &unopened{l.cause, ctx.Err()}
		}
		limit = min(2*limit, max(lastTry, l.opts.OpenTimeout))
	}
}

// opened adapts what may be expected of the source to its declarations.
func (l *live) opened(c capture, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silence.declared, l.silence.segment = 0, c.segment()
	switch fps := c.fps(); {
	case c.timed():
		// Its frames come as fast as they can, or none does: this is for a server
		// that hangs.
		l.silence.declared = timedReads * l.opts.ReadTimeout / 3
	case fps > 0:
		l.silence.declared = time.Duration(float64(time.Second) / fps)
	}
	l.silence.waited(took)
}

// timedReads is for how many times ReadTimeout the server of a timed source may be
// silent.
const timedReads = 15

// notOpened counts a failure and reports it: the same one again only at
// debug level.
func (l *live) notOpened(err error) {
	l.report("source does not open, trying again", err)
	l.cause = err
}

// report counts a failure and logs it, at debug level if it is the same as before
// or the caller of Open reports it.
func (l *live) report(what string, err error) {
	report := l.log.Warn
	if err.Error() == l.reported || l.stop == nil {
		report = l.log.Debug
	}
	l.reported = err.Error()
	report(what, "err", err, "again_in", l.tries.Failed(err).Round(time.Millisecond))
}

// unopened is the end of an opening by its context.
type unopened struct {
	cause error // of the last try; nil if the first was not over
	err   error // the context's
}

func (u *unopened) Error() string { return u.err.Error() }
func (u *unopened) Unwrap() error { return u.err }

// interruptPart is the part of ReadTimeout in which a reader that was interrupted has to
// end. It needs no more than the library's look at the interrupt, a few milliseconds; all
// of it is missing from the time in which the source is opened again.
const interruptPart = 4

// waitReader waits a moment for a goroutine that was asked to end. One that hangs in
// the library is left behind and counted until it ends; it reports false
// when there are too many of them.
func (l *live) waitReader(ended <-chan struct{}) bool {
	timer := time.NewTimer(l.opts.ReadTimeout / interruptPart)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
	}
	l.mu.Lock()
	l.stuckReaders++
	n := l.stuckReaders
	l.mu.Unlock()
	go func() { // ends with the goroutine it waits for
		<-ended
		l.mu.Lock()
		l.stuckReaders--
		l.mu.Unlock()
	}()
	return n <= maxStuckReaders
}

func (l *live) tooManyStuck() error {
	return fmt.Errorf("read %s: %w", l.info.Source, errStuckReaders)
}

// maxEmptyOpenings is how often in a row a recording may be opened and give no further
// frame, before it counts as damaged. A camera may for ever.
const maxEmptyOpenings = 5

// supervise runs readers one after the other until ctx or the source ends.
func (l *live) supervise(ctx context.Context, c capture) {
	emptyOpenings := 0 // in a row, that gave no frame
	for {
		why := l.watch(ctx, c)
		switch {
		case ctx.Err() != nil:
			l.slot.Fail(ctx.Err())
			return
		case errors.Is(why, io.EOF) || errors.Is(why, errStuckReaders):
			l.slot.Fail(why)
			return
		}
		l.mu.Lock()
		given := l.delivered
		read := l.stats.Frames
		l.mu.Unlock()
		if given.frames > 0 {
			emptyOpenings = 0
		} else if emptyOpenings++; l.recording && emptyOpenings == maxEmptyOpenings {
			l.slot.Fail(&Damage{Source: l.info.Source, Delivered: read, Reason: "its server gives no further frame of it, which it does only if it takes requests for a part (ranges)"})
			return
		}
		if given.lasted() {
			l.tries.Lasted()
			l.reported = ""
		}
		l.report("source lost, opening it again", why)
		err := l.tries.Wait(ctx)
		if err == nil {
			c, err = l.open(ctx, retryOnRefusal)
		}
		if err != nil {
			l.slot.Fail(err)
			return
		}
		l.mu.Lock()
		l.stats.Reopened++
		l.mu.Unlock()
		l.log.Info("source opened again")
	}
}

// watch starts a reader and returns, with the reason, when it has ended or was
// asked to because it was silent for too long.
func (l *live) watch(ctx context.Context, c capture) error {
	g := l.nextGeneration()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	var why error // set before ended is closed
	go func() {
		defer close(ended)
		why = l.read(reading, c, g)
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var silent, left time.Duration
		select {
		case <-ended:
			return why
		case <-ctx.Done():
		case <-timer.C:
			if silent, left = l.silentFor(); left > 0 {
				timer.Reset(left)
				continue
			}
		}
		l.endGeneration()
		stop()
		c.interrupt()
		if !l.waitReader(ended) {
			return l.tooManyStuck()
		}
		return fmt.Errorf("silent for %.1f s", silent.Seconds())
	}
}

// silentFor is for how long the current reader is silent, and how long it may
// be yet. None left is counted.
func (l *live) silentFor() (silent, left time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	silent = time.Since(l.lastActivity)
	if left = l.silence.limit() - silent; left <= 0 {
		l.silence.noteTimeout()
	}
	return silent, left
}

// read owns c and delivers its frames until there are none or its generation
// is over.
func (l *live) read(ctx context.Context, c capture, generation int) error {
	defer c.close()
	f := &Frame{Image: gocv.NewMat()}
	defer func() { f.Image.Close() }()
	timing := l.timing(c, generation)
	for {
		// watch is the first to give up: it says for how long the source was silent.
		if err := c.grab(l.grabLimit()); err != nil {
			return err
		}
		f.GrabbedAt = c.arrived()
		if timing != nil {
			wanted, err := timing.wait(ctx)
			if err != nil {
				return err
			}
			if !wanted {
				continue
			}
			f.GrabbedAt = time.Now()
		}
		if !c.retrieve(&f.Image) {
			continue // a damaged frame: watch counts it as silence
		}
		f.DecodedAt = time.Now()
		spare, current := l.publish(f, generation, timing.frame())
		if !current {
			return errLate
		}
		f = spare
	}
}
