package full

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/grace"
	"github.com/sightlog/sightlog/pipeline"
)

// spool is where detect writes to: a log of its own that is mirrored to the brokers, or
// these.
type spool struct {
	kafka config.Kafka
	own   *pipeline.Spool // nil without --spool
	out   io.Writer
}

// openSpool starts the spool, if there is one.
func openSpool(
	ctx context.Context, c config.Spool, brokers config.Kafka, wait bool, env *cli.Env, metrics prometheus.Registerer,
) (*spool, error) {
	if c.Spool == "" {
		return &spool{kafka: brokers}, nil
	}
	own, err := pipeline.StartSpool(ctx, pipeline.SpoolConfig{
		Spool: c, Kafka: brokers, Wait: wait, Log: env.Logger(slog.LevelWarn), Metrics: metrics,
	})
	if err != nil {
		return nil, err
	}
	return &spool{kafka: own.Kafka, own: own, out: env.Stderr}, nil
}

func (s *spool) problems() []string {
	if s.own == nil {
		return nil
	}
	return s.own.Problems()
}

// run calls detect, waits until what it wrote is mirrored, and stops the spool. A mirror
// that fails ends detect: a user must change something.
func (s *spool) run(ctx context.Context, detect func(context.Context) error) (err error) {
	if s.own == nil {
		return detect(ctx)
	}
	defer func() { err = errors.Join(err, s.own.Stop()) }()
	ctx, cancel := context.WithCancel(ctx)
	watched := make(chan struct{})
	defer func() { cancel(); <-watched }()
	go func() {
		defer close(watched)
		s.own.AwaitFailure(ctx) // Stop returns it
		cancel()
	}()
	if err = detect(ctx); pipeline.Done(err) {
		err = errors.Join(err, s.drain(ctx))
	}
	return err
}

// drainGrace is how long a drain goes on after its context ended.
const drainGrace = 2 * time.Second

// drain waits until everything is mirrored, or ctx ends.
func (s *spool) drain(ctx context.Context) error {
	ctx, cancel := grace.Context(ctx, drainGrace)
	defer cancel()
	for _, p := range s.own.Problems() {
		fmt.Fprintln(s.out, "waiting until the spool is mirrored:", p)
	}
	left, err := s.own.Drain(ctx)
	if left > 0 {
		fmt.Fprintf(s.out, "%d records are in the spool; the next start with it mirrors them\n", left)
	}
	return err
}
