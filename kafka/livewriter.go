package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"

	"github.com/sightlog/sightlog/event"
)

// liveBuffer is the number of records that may be unacknowledged. When it is reached Send
// blocks. It is 6 s of fifty cameras at 30 frames a second; a restart of the broker takes
// less than two (unacknowledged).
const liveBuffer = 10_000

// Live writes the runs of sources that cannot be read again. All of them share
// one idempotent producer; each opening of a source is a new run. They share its buffer as
// well: while the log acknowledges nothing and the buffer is full, every camera waits.
type Live struct {
	cfg      Config
	cl       *kgo.Client
	inFlight chan struct{} // a token for each unacknowledged record; capacity liveBuffer; Send blocks when full
}

// OpenLive opens the shared producer. It does not connect yet.
func OpenLive(c Config) (*Live, error) {
	opts, err := c.producing()
	if err != nil {
		return nil, err
	}
	// The client's own limit is never reached: it would hold up Produce, which does not end
	// with the caller's context. Beside those in flight there are only records of runs.
	cl, err := c.Client(append(opts, kgo.MaxBufferedRecords(2*liveBuffer), kgo.RecordPartitioner(runPartitioner()))...)
	if err != nil {
		return nil, err
	}
	return &Live{cfg: c, cl: cl, inFlight: make(chan struct{}, liveBuffer)}, nil
}

// Close closes the producer. The caller closes the writers before.
func (l *Live) Close() { l.cl.Close() }

// Open starts a new run.
func (l *Live) Open(ctx context.Context, run event.Run) (Writer, error) {
	if err := l.cfg.Schemas.Prepare(ctx); err != nil {
		return nil, err
	}
	if err := initRun(ctx, l.cl, &run); err != nil {
		return nil, fmt.Errorf("start run of camera %s: %w", run.Camera, err)
	}
	w := &liveWriter{live: l, run: run}
	if err := w.produceRun(ctx, run); err != nil {
		return nil, err
	}
	return w, nil
}

type liveWriter struct {
	live  *Live
	run   event.Run
	ended bool
	acked atomic.Int64

	unackedGroup sync.WaitGroup // has each record that is not acknowledged yet
	unacked      unackedCount

	mu  sync.Mutex // guards the following
	err error      // of the first record that failed or was not accepted: the run has a gap, so it ends
}

func (w *liveWriter) Run() event.Run { return w.run }
func (w *liveWriter) Next() int64    { return 0 }
func (w *liveWriter) Acked() int64   { return w.acked.Load() }

func (w *liveWriter) Waiting() string { return w.unacked.waiting() }

func (w *liveWriter) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *liveWriter) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

func (w *liveWriter) Send(ctx context.Context, s *event.Sighting, completes ...event.Derived) error {
	if w.ended {
		return ErrEnded
	}
	if err := w.failure(); err != nil {
		return err
	}
	if err := w.send(ctx, s, completes); err != nil {
		w.fail(err)
		return err
	}
	return nil
}

func (w *liveWriter) send(ctx context.Context, s *event.Sighting, completes []event.Derived) error {
	s.ProducedAt = event.At(time.Now())
	span := trace.SpanFromContext(ctx)
	rec, err := w.live.cfg.sightingRecord(ctx, s, span)
	if err != nil {
		return err
	}
	rec.Partition = w.run.LogPartition
	recs, err := w.live.cfg.derivedRecords(ctx, []*kgo.Record{rec}, s.Camera, s.ProducedAt.Time, completes)
	if err != nil {
		return err
	}
	return w.produceAll(ctx, recs, func() { w.live.cfg.acked(w.run.Camera, s.ProducedAt, span) })
}

// produceAll produces records. acked is called when the one that is a sighting was
// acknowledged.
func (w *liveWriter) produceAll(ctx context.Context, recs []*kgo.Record, acked func()) error {
	for _, rec := range recs {
		if err := w.produce(ctx, rec, acked); err != nil {
			return err
		}
	}
	return nil
}

// produce hands a record to the client. It waits only while liveBuffer records are
// unacknowledged: where there is room, a record is taken although ctx has ended.
func (w *liveWriter) produce(ctx context.Context, rec *kgo.Record, acked func()) error {
	select {
	case w.live.inFlight <- struct{}{}:
	default:
		select {
		case w.live.inFlight <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("produce to %s for camera %s: %w", rec.Topic, w.run.Camera, ctx.Err())
		}
	}
	w.unackedGroup.Add(1)
	w.unacked.sent()
	// Without the caller's context: a record that was accepted is never given up.
	w.live.cl.Produce(context.Background(), rec, func(rec *kgo.Record, err error) {
		defer w.unackedGroup.Done()
		<-w.live.inFlight
		w.unacked.acknowledged()
		if err == nil {
			if rec.Topic == Sightings {
				w.acked.Add(1)
				acked()
			}
			return
		}
		w.fail(fmt.Errorf("produce to %s for camera %s: %w", rec.Topic, w.run.Camera, err))
	})
	return nil
}

func (w *liveWriter) produceRun(ctx context.Context, run event.Run) error {
	rec, err := runRecord(&run)
	if err != nil {
		return err
	}
	if err := Produce(ctx, w.live.cl, rec).FirstErr(); err != nil {
		return fmt.Errorf("produce run of camera %s: %w", run.Camera, err)
	}
	return nil
}

func (w *liveWriter) Finish(ctx context.Context, end event.Run, completes ...event.Derived) error {
	if w.failure() != nil { // completes may be of a sighting that the log does not have
		return w.Close(ctx)
	}
	recs, err := w.live.cfg.derivedRecords(ctx, nil, w.run.Camera, time.Now(), completes)
	if err != nil {
		return err
	}
	if err := errors.Join(w.produceAll(ctx, recs, nil), w.Close(ctx)); err != nil {
		return err
	}
	return w.produceRun(ctx, withEnd(w.run, end, w.acked.Load()))
}

// Close implements Writer. If ctx ends first, a goroutine is left that waits for the
// acknowledgements; Live.Close, which fails the records that are left, ends it.
func (w *liveWriter) Close(ctx context.Context) error {
	w.ended = true
	all := make(chan struct{})
	go func() {
		w.unackedGroup.Wait()
		close(all)
	}()
	select {
	case <-all:
		return w.failure()
	case <-ctx.Done():
		return fmt.Errorf("wait for the last sightings of camera %s: %w", w.run.Camera, ctx.Err())
	}
}
