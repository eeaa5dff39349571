package kafka

import (
	"context"
	"errors"

	"github.com/sightlog/sightlog/event"
)

// ErrFenced means that another process has opened the same camera since: it owns the run
// now, and this one must not write.
var ErrFenced = errors.New("another sightlog reads this camera now")

// ErrTailLost means that the log no longer has records that it acknowledged: an older copy
// of it was restored, or it lost its end. A new writer continues after the records that
// the log has.
var ErrTailLost = errors.New("the log has lost the end of this run; was an older copy of it restored?")

// ErrEnded is the error of a Send after Finish or Close.
var ErrEnded = errors.New("the run has ended")

// Writer writes the sightings of one run, in order. One goroutine at a time may use it;
// Acked and Waiting may be called concurrently.
type Writer interface {
	// Run returns the run. A resumed one has the time of its first start.
	Run() event.Run
	// Next returns the first seq that is not in the log: 0 for a new run.
	Next() int64
	// Send sets s.ProducedAt and accepts the sighting with the events that it completes: of
	// a file, all of these records get into the log or none. It blocks while the buffer is
	// full. After an error only Close may follow; it waits for what was sent before, and
	// its error may be the same.
	Send(ctx context.Context, s *event.Sighting, completes ...event.Derived) error
	// Finish waits until every sighting is acknowledged and writes the end of the run, of
	// which the caller sets Outcome, Damage and Dropped, with the events that it completes:
	// of a file, all of these records get into the log or none.
	Finish(ctx context.Context, end event.Run, completes ...event.Derived) error
	// Close waits until every record is acknowledged, or ctx ends. The run stays
	// unfinished. After a Finish that succeeded there is nothing to close.
	Close(ctx context.Context) error
	// Acked returns the number of sightings of this opening that were acknowledged.
	Acked() int64
	// Waiting returns one line if the log has acknowledged nothing for two seconds although
	// records are sent, of a file with the cause of the last failure; otherwise "".
	Waiting() string
}
