package kafka

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
)

// initRun sets the fields of a new run: its id, its start, and the position at which its
// sightings begin.
func initRun(ctx context.Context, cl *kgo.Client, run *event.Run) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make run id: %w", err)
	}
	at, err := nextPosition(ctx, cl, run.Camera)
	if err != nil {
		return err
	}
	run.ID, run.StartedAt = id.String(), event.At(time.Now())
	run.LogPartition, run.LogOffset = at.Partition, at.Offset
	return nil
}

// resumePoint returns lastSeq of a run that is resumed. If the sightings have no position like that of the
// run, because their topic was created again, perhaps with fewer partitions, or has lost its end, then
// the run gets another one, and moved is true.
func resumePoint(ctx context.Context, c Config, cl *kgo.Client, run *event.Run) (last, n int64, moved bool, err error) {
	ends, err := kadm.NewClient(cl).ListEndOffsets(ctx, Sightings)
	if err = cmp.Or(err, ends.Error()); err != nil {
		return 0, 0, false, fmt.Errorf("list end offsets of %s: %w", Sightings, err)
	}
	end, there := ends.Lookup(Sightings, run.LogPartition)
	if moved = run.LogPartition >= 0 && (!there || end.Offset < run.LogOffset); moved { // -1: of before positions were written
		at, err := nextPosition(ctx, cl, run.Camera)
		run.LogPartition, run.LogOffset = at.Partition, at.Offset
		return -1, 0, true, err
	}
	last, n, err = lastSeq(ctx, c, run)
	return last, n, false, err
}

// interrupted reports whether last is a run that an opening of the same source resumes:
// it has not ended, or its job has not.
func interrupted(last *event.Run) bool {
	return last != nil && (last.FinishedAt.IsZero() || last.JobOpen)
}

func sameModel(last, run *event.Run) bool {
	return last.Model.Name == run.Model.Name && last.Model.SHA256 == run.Model.SHA256
}

// withEnd returns run with its end: the time, the number of sightings in the log, and
// Outcome, Damage and Dropped of end.
func withEnd(run, end event.Run, frames int64) event.Run {
	run.FinishedAt = event.At(time.Now())
	run.Outcome, run.Damage, run.Dropped = end.Outcome, end.Damage, end.Dropped
	if run.Outcome == "" {
		run.Outcome = event.OutcomeFinished
	}
	run.Frames = frames
	return run
}

// AtEndError means that a source was read to its end by a job that has not ended, because
// it was interrupted or killed.
type AtEndError struct{ Run event.Run }

func (e *AtEndError) Error() string {
	return fmt.Sprintf("camera %s was read to its end by run %s", e.Run.Camera, e.Run.ID)
}

// EndJob records that the job of these runs has ended, so that the next opening of their
// sources starts new runs. It does so in one transaction. Runs that are not JobOpen are
// not changed.
func EndJob(ctx context.Context, c Config, ids []string) error {
	open, err := openRuns(ctx, c, ids)
	if err != nil || len(open) == 0 {
		return err
	}
	recs := make([]*kgo.Record, len(open))
	for i, run := range open {
		run.JobOpen = false
		if recs[i], err = runRecord(run); err != nil {
			return err
		}
	}
	cl, err := openTransactional(ctx, c, "sightlog.job."+open[0].Camera)
	if err != nil {
		return err
	}
	defer cl.Close()
	_, err = transact(ctx, cl, recs)
	return err
}

// openRuns returns those of these runs that are JobOpen, sorted by id.
func openRuns(ctx context.Context, c Config, ids []string) ([]*event.Run, error) {
	newest := make(map[string]*event.Run)
	err := readCommitted(ctx, c, Runs, nil, func(r *kgo.Record) error {
		if run, err := event.DecodeRun(r.Value); err == nil && slices.Contains(ids, run.ID) {
			newest[run.ID] = run
		}
		return nil
	})
	maps.DeleteFunc(newest, func(_ string, run *event.Run) bool { return !run.JobOpen })
	return slices.SortedFunc(maps.Values(newest), func(a, b *event.Run) int { return cmp.Compare(a.ID, b.ID) }), err
}

// logAbandoned logs that an interrupted run of a camera is not resumed. A source without a
// fingerprint cannot be read again, so that this is expected and not logged.
func logAbandoned(c Config, run, last *event.Run, why string) {
	if c.Log != nil && run.Fingerprint != "" && last.Fingerprint != "" {
		c.Log.Warn("an interrupted run is not continued, its rows stay; the source is read from its beginning",
			"camera", run.Camera, "reason", why, "run", last.ID, "its_source", last.Source)
	}
}
