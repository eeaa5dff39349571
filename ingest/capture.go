package ingest

import (
	"context"
	"errors"
	"image"
	"time"

	"gocv.io/x/gocv"
)

// capture is one opening of a video. One goroutine owns it from open to
// close; only interrupt may be called by another.
type capture interface {
	// open, analyse and grab wait no longer than limit for a network. That the
	// library hangs elsewhere (a name server, a driver) cannot be excluded.
	open(limit time.Duration) error
	// analyse completes open: it reads until it is known what the source holds.
	analyse(limit time.Duration) error
	// grab takes the next frame: io.EOF at the end of what has an end, errLate
	// after limit or interrupt, another error if the source is lost.
	grab(limit time.Duration) error
	// retrieve puts the frame grabbed last into m, as BGR of 8 bits.
	retrieve(m *gocv.Mat) bool

	arrived() time.Time              // when the frame's data was received
	position() (time.Duration, bool) // of the frame; false if not known
	size() image.Point               // declared
	fps() float64                    // declared; 0 unknown
	finite() bool                    // it has an end: a recording

	// timed reports whether position is the time to show a frame, as that of a
	// recording or a segment does. Then the moments at which its frames arrive
	// mean nothing, id identifies the frame grabbed last, also after
	// it was opened again, and seek moves to the last key frame up to a position.
	timed() bool
	// segment is the longest segment that a playlist declares; 0 without one.
	segment() time.Duration
	id() int64
	seek(to, limit time.Duration) bool

	interrupt()
	close()
}

var (
	errLate      = errors.New("nothing came in time")
	errNotOpened = errors.New("the video library cannot open it")
	errLost      = errors.New("the connection was lost")
)

// openWithin opens c. One that opens too late is closed when the library
// returns; then ended is closed.
func openWithin(ctx context.Context, c capture, limit time.Duration) (ended <-chan struct{}, err error) {
	began := time.Now()
	if ended, err = within(ctx, c, limit, c.open); err != nil {
		return ended, err
	}
	// The server has answered. What a segment holds may be known from the next one
	// only, and that is waited for.
	rest := max(limit-time.Since(began), limit/4, segmentWait(c.segment()))
	return within(ctx, c, rest, c.analyse)
}

// within calls open on a goroutine of its own, because the library can hang where
// it cannot be interrupted. A capture for which it returns an error or too late is
// closed there; ended is closed when that goroutine has ended.
func within(ctx context.Context, c capture, limit time.Duration, open func(limit time.Duration) error) (ended <-chan struct{}, err error) {
	opened := make(chan error) // unbuffered: either we take it or the opener closes c
	late, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		err := open(limit)
		select {
		case opened <- err:
		case <-late:
			err = errLate
		}
		if err != nil {
			c.close()
		}
	}()
	timer := time.NewTimer(limit + limit/4) // the library's own limit comes first
	defer timer.Stop()
	select {
	case err = <-opened:
		return done, err
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errLate
	}
	c.interrupt()
	close(late)
	return done, err
}
