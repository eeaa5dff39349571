package kafka

import (
	"context"
	"errors"

	"github.com/sightlog/sightlog/event"
)

// ErrFenced says that another process has opened the same camera since: it
// owns the run now, and this one must not write.
var ErrFenced = errors.New("another sightlog reads this camera now")

// ErrTailLost says that the log does not hold what it acknowledged: an older copy
// of it was put back, or it lost its end. A writer that is opened anew goes on
// behind what the log holds.
var ErrTailLost = errors.New("the log has lost the end of this run; was an older copy of it put back?")

// ErrEnded is the error of a Send after Finish or Close.
var ErrEnded = errors.New("the run has ended")

// Writer writes the sightings of one run, in order. It is used by one
// goroutine at a time, but Acked may be called by any.
type Writer interface {
	// Run is the run that is written; a resumed one has its first start.
	Run() event.Run
	// Next is the first seq that the log does not hold yet: 0 for a new run.
	Next() int64
	// Send stamps s.ProducedAt and hands it over, with the crossings in its
	// frame: for a file all of it gets into the log or nothing. It blocks while
	// the buffer is full: the log is never outrun. An error is final for this
	// Writer.
	Send(ctx context.Context, s *event.Sighting, crossings ...event.Crossing) error
	// Finish waits until every sighting is acknowledged and writes the end of
	// the run. The caller sets Outcome, Damage and Dropped.
	Finish(ctx context.Context, end event.Run) error
	// Close waits until what was sent is acknowledged, or ctx ends, and leaves
	// the run unfinished.
	Close(ctx context.Context) error
	// Acked is how many sightings of this opening the log has acknowledged.
	Acked() int64
	// Waiting is one line when the log has not acknowledged for a while what was
	// sent, with the cause where it is known; otherwise "".
	Waiting() string
}
