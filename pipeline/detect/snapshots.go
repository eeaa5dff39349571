package detect

import (
	"context"
	"log/slog"

	"github.com/sightlog/sightlog/internal/grace"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/snapshot"
)

// openSnapshots returns the worker of a job's snapshots, nil without them, and what closes it
// after the cameras.
func openSnapshots(ctx context.Context, job pipeline.Job, cfg kafka.Config, log *slog.Logger) (*snapshot.Worker, func(), error) {
	if job.Detect.Snapshots != "on" {
		return nil, func() {}, nil
	}
	producer, err := kafka.OpenSnapshots(cfg)
	if err != nil {
		return nil, nil, err
	}
	w := snapshot.NewWorker(producer.Send, log)
	return w, func() {
		w.Close()
		ctx, cancel := grace.Context(ctx, flushGrace)
		defer cancel()
		producer.Close(ctx)
		if _, lost := producer.Counts(); lost+w.Dropped() > 0 {
			log.Warn("snapshots were dropped: they never wait", "too_many", w.Dropped(), "not_acknowledged", lost)
		}
	}, nil
}
