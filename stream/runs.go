package stream

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
)

// start makes run a new one: its id, its start and where its sightings begin.
func start(ctx context.Context, c Config, cl *kgo.Client, run *event.Run) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make run id: %w", err)
	}
	at, err := whereNext(ctx, c, cl, run.Camera)
	if err != nil {
		return err
	}
	run.ID, run.StartedAt = id.String(), event.At(time.Now())
	run.LogPartition, run.LogOffset = at.Partition, at.Offset
	return nil
}

// resumable reports whether last is unfinished and run would see the same.
func resumable(last, run *event.Run) bool {
	return last.FinishedAt.IsZero() && run.Fingerprint != "" && last.Fingerprint == run.Fingerprint &&
		last.Model.Name == run.Model.Name && last.Model.SHA256 == run.Model.SHA256
}

// ended returns run with its end: the time, the number of sightings in the log
// and what the caller says in end (Outcome, Damage, Dropped).
func ended(run, end event.Run, frames int64) event.Run {
	run.FinishedAt = event.At(time.Now())
	run.Outcome, run.Damage, run.Dropped = end.Outcome, end.Damage, end.Dropped
	if run.Outcome == "" {
		run.Outcome = event.OutcomeFinished
	}
	run.Frames = frames
	return run
}
