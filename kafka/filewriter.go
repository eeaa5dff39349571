package kafka

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"

	"github.com/sightlog/sightlog/event"
)

// fileBuffer is the number of sightings that may wait for a transaction. When it is
// reached Send blocks.
const fileBuffer = 256

// fileWriter writes the run of a source that can be read again. One goroutine, loop,
// owns the client and commits the waiting entries, one transaction after the other. The
// caller's goroutine owns ended.
type fileWriter struct {
	cfg      Config
	run      event.Run
	next     int64
	n        int64         // sightings of the run in the log when it was opened
	interval time.Duration // shortest time between two commits

	continues func(fingerprint string) bool // reports whether the source begins as that of the fingerprint

	in      chan fileEntry // capacity fileBuffer; never closed; Send blocks when full
	stop    chan struct{}  // closed by Close and Finish: loop drains in and returns
	ended   bool           // owned by the caller's goroutine
	done    chan struct{}  // closed by loop when it returned
	err     error          // of loop; read it after done is closed
	acked   atomic.Int64
	unacked unackedCount // the transaction in progress

	cl     *kgo.Client // owned by loop, after OpenFile
	last   int64       // seq of the last sighting that is in the log; owned by loop, -1 if there is none
	cancel context.CancelFunc
}

// fileEntry is a sighting or the end of the run, and the events that it completes.
type fileEntry struct {
	sighting  *event.Sighting
	span      trace.Span // of the sighting
	end       *event.Run
	completes []event.Derived
}

// OpenFile opens a source that can be read again. It fences a predecessor that may still
// be alive (KIP-98), then resumes an unfinished run of the same camera, content and model,
// or starts run as a new one and sets its ID, StartedAt and position. If such a run has
// ended but its job has not, there is nothing to write, and the error is *AtEndError.
//
// The content is the same if the fingerprint is. continues is called with another
// fingerprint and reports whether the source begins with that content; then the run is
// resumed after its last sighting, even if it had ended. A run that is not resumed is
// logged. interval is the shortest time between two commits; 0 gives the lowest latency.
func OpenFile(ctx context.Context, c Config, run event.Run, interval time.Duration, continues func(fingerprint string) bool) (Writer, error) {
	w := &fileWriter{
		cfg: c, run: run, interval: interval, continues: continues,
		in: make(chan fileEntry, fileBuffer), stop: make(chan struct{}), done: make(chan struct{}), last: -1,
	}
	if err := w.open(ctx); err != nil {
		return nil, fmt.Errorf("open run of camera %s: %w", run.Camera, err)
	}
	loopCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.cancel = cancel
	go w.loop(loopCtx)
	return w, nil
}

// open fences predecessors, then finds or starts the run.
func (w *fileWriter) open(ctx context.Context) (err error) {
	if err := w.cfg.Schemas.Prepare(ctx); err != nil {
		return err
	}
	if err := w.fence(ctx); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.cl.Close()
		}
	}()
	last, err := LastRun(ctx, w.cfg, w.run.Camera)
	if err != nil {
		return err
	}
	if interrupted(last) {
		if done, err := w.resume(ctx, last); done || err != nil {
			return err
		}
	}
	if err := initRun(ctx, w.cl, &w.run); err != nil {
		return err
	}
	return w.writeRun(ctx)
}

// resume continues an interrupted run. It returns false, and logs the reason, if the
// source or the model is another one. A source that has grown since continues its run,
// even if the run had ended.
func (w *fileWriter) resume(ctx context.Context, last *event.Run) (bool, error) {
	same := w.run.Fingerprint != "" && w.run.Fingerprint == last.Fingerprint
	switch {
	case !same && !w.continues(last.Fingerprint):
		logAbandoned(w.cfg, &w.run, last, "the source is not what that run was reading")
		return false, nil
	case !sameModel(last, &w.run):
		logAbandoned(w.cfg, &w.run, last, "the model is not that of the run")
		return false, nil
	case same && last.JobOpen:
		return false, &AtEndError{Run: *last}
	}
	run := *last
	run.FinishedAt, run.Outcome, run.Damage, run.JobOpen = event.Time{}, "", "", false
	run.Source, run.Fingerprint, run.Shapes = w.run.Source, w.run.Fingerprint, w.run.Shapes
	run.Privacy, run.Stretches = w.run.Privacy, w.run.Stretches
	same = same && reflect.DeepEqual(run.Shapes, last.Shapes) && run.Privacy == last.Privacy && run.Stretches == last.Stretches
	w.run = run
	seq, n, moved, err := resumePoint(ctx, w.cfg, w.cl, &w.run)
	if err != nil {
		return false, err
	}
	w.next, w.n, w.last = seq+1, n, seq
	if same && !moved {
		return true, nil
	}
	return true, w.writeRun(ctx)
}

func (w *fileWriter) writeRun(ctx context.Context) error {
	rec, err := runRecord(&w.run)
	if err != nil {
		return err
	}
	_, err = transact(ctx, w.cl, []*kgo.Record{rec})
	return err
}

// fence makes this writer the only one of its camera. Only after that is the end of the
// run in the log final.
func (w *fileWriter) fence(ctx context.Context) (err error) {
	w.cl, err = openTransactional(ctx, w.cfg, w.transactionalID(), kgo.RecordPartitioner(runPartitioner()))
	return err
}

func (w *fileWriter) transactionalID() string { return "sightlog." + w.run.Camera }

func (w *fileWriter) Run() event.Run { return w.run }
func (w *fileWriter) Next() int64    { return w.next }
func (w *fileWriter) Acked() int64   { return w.acked.Load() }

func (w *fileWriter) Waiting() string { return w.unacked.waiting() }

func (w *fileWriter) Send(ctx context.Context, s *event.Sighting, completes ...event.Derived) error {
	return w.put(ctx, fileEntry{sighting: s, span: trace.SpanFromContext(ctx), completes: completes})
}

func (w *fileWriter) put(ctx context.Context, it fileEntry) error {
	if w.ended {
		return ErrEnded
	}
	select {
	case w.in <- it:
		return nil
	case <-w.done:
		return w.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *fileWriter) Finish(ctx context.Context, end event.Run, completes ...event.Derived) error {
	if err := w.put(ctx, fileEntry{end: &end, completes: completes}); err != nil {
		return err
	}
	return w.Close(ctx)
}

func (w *fileWriter) Close(ctx context.Context) error {
	if !w.ended {
		w.ended = true
		close(w.stop)
	}
	select {
	case <-w.done:
	case <-ctx.Done():
		w.cancel()
		<-w.done
	}
	w.cancel()
	return w.err
}

// loop commits the waiting entries, one transaction after the other, until stop is closed
// and in is empty.
func (w *fileWriter) loop(ctx context.Context) {
	defer close(w.done)
	defer func() { w.cl.Close() }()
	var due time.Time
	for {
		batch, more := w.collect(ctx, due)
		due = time.Now().Add(w.interval)
		if len(batch) > 0 {
			if err := w.commit(ctx, batch); err != nil {
				w.err = fmt.Errorf("write run of camera %s: %w", w.run.Camera, err)
				return
			}
		}
		if !more {
			return
		}
	}
}

// collect takes the entries that come until due, the first one whenever it comes, and
// fileBuffer at most. more is false if none will follow.
func (w *fileWriter) collect(ctx context.Context, due time.Time) (batch []fileEntry, more bool) {
	wait := time.NewTimer(time.Until(due))
	defer wait.Stop()
	late := !time.Now().Before(due)
	for len(batch) < fileBuffer {
		select {
		case it := <-w.in:
			batch = append(batch, it)
			continue
		default:
		}
		if late && len(batch) > 0 {
			return batch, true
		}
		select {
		case it := <-w.in:
			batch = append(batch, it)
		case <-wait.C:
			late = true
		case <-w.stop:
			// Send is not called after stop is closed: an empty channel stays empty.
			return batch, len(w.in) > 0
		case <-ctx.Done():
			return batch, false
		}
	}
	return batch, true
}

// commit writes a batch as one transaction. If the outcome is unknown it fences its own
// producer, reads the end of the run in the log, and writes the rest.
func (w *fileWriter) commit(ctx context.Context, batch []fileEntry) error {
	w.unacked.sent()
	defer w.unacked.acknowledged()
	for tries := 1; ; tries++ {
		recs, err := w.records(ctx, batch)
		if err != nil {
			return err
		}
		id, err := transact(ctx, w.cl, recs)
		if err == nil {
			for _, it := range batch {
				if it.sighting != nil {
					w.acknowledged(it)
				}
			}
			return nil
		}
		w.unacked.failed(err)
		if w.cfg.Log != nil {
			w.cfg.Log.Warn("transaction failed, reading the end of the run in the log", "camera", w.run.Camera, "err", err)
		}
		if batch, err = w.recover(ctx, batch, id, err, tries); err != nil {
			return err
		}
		if len(batch) == 0 {
			return nil
		}
	}
}

// acknowledged is called for each sighting that is in the log.
func (w *fileWriter) acknowledged(it fileEntry) {
	w.acked.Add(1)
	w.last = it.sighting.Seq
	w.cfg.acked(w.run.Camera, it.sighting.ProducedAt, it.span)
}

// recover replaces the client and returns the entries of batch that are not in the log.
// It retries until ctx ends. If cause says that the producer was fenced, another process
// may have opened the camera; but a cluster also fences a producer when it aborts a
// transaction that took too long, and does not know the producer after an older copy of
// its log was restored.
func (w *fileWriter) recover(ctx context.Context, batch []fileEntry, id producerID, cause error, tries int) ([]fileEntry, error) {
	w.cl.Close()
	ask := fenced(cause)
	for ; ; tries++ {
		if err := retryPauses.Wait(ctx, tries); err != nil {
			return nil, err
		}
		var err error
		if ask {
			if err = checkNotFenced(ctx, w.cfg, w.transactionalID(), id); errors.Is(err, ErrFenced) {
				if _, lost := w.lastInLog(ctx); errors.Is(lost, ErrTailLost) {
					err = lost
				}
				return nil, fmt.Errorf("%w (%w)", err, cause)
			}
			ask = err != nil
		}
		if !ask {
			var rest []fileEntry
			if rest, err = w.missing(ctx, batch); err == nil || errors.Is(err, ErrTailLost) {
				return rest, err
			}
		}
		w.unacked.failed(err)
		if ctx.Err() != nil {
			return nil, err
		}
		if w.cfg.Log != nil {
			w.cfg.Log.Warn("the log cannot be reached, retrying", "camera", w.run.Camera, "err", err)
		}
	}
}

// lastInLog returns the seq of the run's last sighting in the log. It is ErrTailLost if a
// later one was acknowledged: continuing would leave a gap.
func (w *fileWriter) lastInLog(ctx context.Context) (int64, error) {
	seq, _, err := lastSeq(ctx, w.cfg, &w.run)
	if err == nil && seq < w.last {
		err = fmt.Errorf("%w: its last sighting is %d, it has acknowledged %d", ErrTailLost, seq, w.last)
	}
	return seq, err
}

// missing returns the entries of batch that are not in the log.
func (w *fileWriter) missing(ctx context.Context, batch []fileEntry) ([]fileEntry, error) {
	if err := w.fence(ctx); err != nil {
		return nil, err
	}
	seq, err := w.lastInLog(ctx)
	if err != nil {
		w.cl.Close()
		return nil, err
	}
	run, err := LastRun(ctx, w.cfg, w.run.Camera)
	if err != nil {
		w.cl.Close()
		return nil, err
	}
	finished := run != nil && run.ID == w.run.ID && !run.FinishedAt.IsZero()
	rest := batch[:0]
	for _, it := range batch {
		switch {
		case it.sighting != nil && it.sighting.Seq > seq, it.end != nil && !finished:
			rest = append(rest, it)
		case it.sighting != nil:
			w.acknowledged(it)
		}
	}
	return rest, nil
}

// records encodes a batch. The end of the run has the number of sightings that the log
// has then.
func (w *fileWriter) records(ctx context.Context, batch []fileEntry) ([]*kgo.Record, error) {
	now := event.At(time.Now())
	recs := make([]*kgo.Record, 0, len(batch))
	sightings := w.n + w.acked.Load()
	for _, it := range batch {
		var rec *kgo.Record
		var err error
		at := now
		if it.sighting != nil {
			if it.sighting.ProducedAt.IsZero() {
				it.sighting.ProducedAt = now
			}
			at = it.sighting.ProducedAt
			sightings++
			if rec, err = w.cfg.sightingRecord(ctx, it.sighting, it.span); err == nil {
				rec.Partition = w.run.LogPartition
			}
		} else {
			end := withEnd(w.run, *it.end, sightings)
			end.JobOpen = true
			rec, err = runRecord(&end)
		}
		if err != nil {
			return nil, err
		}
		if recs, err = w.cfg.derivedRecords(ctx, append(recs, rec), w.run.Camera, at.Time, it.completes); err != nil {
			return nil, err
		}
	}
	return recs, nil
}
