package ingest

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync"
	"time"

	"github.com/sightlog/sightlog/ingest/newest"
)

// live delivers the newest frame of a camera and never hangs.
//
//	        opens, watches, reopens
//	supervisor ──────────┬──────────────► reader (generation g): grab, retrieve
//	    ▲   silent or    │                          │ publish, if g is current
//	    └── ended ───────┘ (backoff)                ▼
//	                                    newest.Slot, newest wins ──► Next
//
// A reader owns its capture. One that hangs in the video library cannot be
// stopped: it is left behind, its generation is over so that nothing it still
// reads is delivered, and it frees its capture when the library returns.
//
// Lock order: mu before the slot's own.
type live struct {
	info       Info
	newCapture func() capture // that is not open yet
	opts       Options
	log        *slog.Logger
	slot       *newest.Slot[Frame]

	// The next four are the opener's until openLive returns, then the
	// supervisor's.
	tries     *Backoff
	cause     error  // why it did not open the last time
	reported  string // the failure reported last
	recording bool   // it has an end, by the first opening

	stop context.CancelFunc
	done chan struct{} // closed when the supervisor has ended

	mu          sync.Mutex // guards the following
	generation  int        // the current reader's; no other changes the following
	seq         int64      // of the next frame to arrive
	started     time.Time
	lastArrival time.Time // of the newest frame, or when its reader began
	// lastActivity is when the current reader had a frame last, delivered before or not;
	// it is ahead of now while a frame is not due yet.
	lastActivity time.Time
	delivered    delivered // by the current reader
	silence      silence
	history      history // where the source is timed
	limit        rateLimit
	rate         rate
	stats        Stats
	stuckReaders int // that have not returned from the library

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

// maxStuckReaders is how many hung readers are tolerated before the source gives
// up: each holds a thread and a decoder, and only the process's end frees them.
const maxStuckReaders = 4

var errStuckReaders = fmt.Errorf("more than %d readers hang in the video library", maxStuckReaders)

func (l *live) Info() Info { return l.info }

// nextGeneration begins the generation of another reader.
func (l *live) nextGeneration() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation = l.slot.NextGeneration()
	now := time.Now()
	l.lastArrival, l.lastActivity, l.delivered = now, now, delivered{}
	return l.generation
}

// endGeneration ends that of the current reader: nothing it still has is
// delivered.
func (l *live) endGeneration() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation = l.slot.NextGeneration()
}

// publish puts f into the slot and returns a frame to fill next. It reports
// false, and takes nothing, if the generation is over.
func (l *live) publish(f *Frame, generation int, timed *timedFrame) (spare *Frame, current bool) {
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
	l.lastActivity, l.lastArrival = time.Now(), f.GrabbedAt
	l.delivered.add(f.GrabbedAt, &l.silence)
	if timed != nil {
		l.history.add(*timed)
	}
	l.stats.Frames++
	l.rate.add(f.GrabbedAt)
	if size := f.Size(); size != l.stats.Size {
		if l.stats.Size != (image.Point{}) {
			l.log.Info("frame size changed", "from", l.stats.Size, "to", size)
		}
		l.stats.Size = size
	}
	return l.slot.Put(f, generation, l.limit.period(f.GrabbedAt))
}

func (l *live) Next(ctx context.Context, f *Frame) error {
	got, missed, err := l.slot.Take(ctx)
	if err != nil {
		if errors.Is(err, context.Canceled) && ctx.Err() == nil {
			return fmt.Errorf("read %s: the source is closed", l.info.Source)
		}
		return err
	}
	*f = *got
	f.Dropped, f.Skipped = missed.Dropped, missed.Skipped
	return nil
}

// latest replaces f, which Next has delivered, by a newer frame if there is
// one.
func (l *live) latest(f *Frame) {
	got, missed := l.slot.Newer()
	if got == nil {
		return
	}
	missed.Dropped += f.Dropped
	missed.Skipped += f.Skipped
	*f = *got
	f.Dropped, f.Skipped = missed.Dropped, missed.Skipped
}

func (l *live) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.stats
	s.FPS = l.rate.perSecond()
	s.Silent = time.Since(l.lastArrival)
	missed := l.slot.Missed()
	s.Dropped, s.Skipped = missed.Dropped, missed.Skipped
	return s
}

// Close waits for the supervisor, and for the reader as long as the library
// lets go of it in time.
func (l *live) Close() error {
	l.close.Do(func() {
		l.stop()
		<-l.done
		l.slot.Drain(func(f *Frame) { f.Image.Close() })
	})
	return nil
}

// grabLimit is how long a grab may wait.
func (l *live) grabLimit() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit := l.silence.limit()
	return limit + limit/4
}
