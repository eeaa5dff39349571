package catchup

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/kafka"
)

// Run makes the backlog, and in each round has it written by a sink and by COPY, the next
// round in reverse order. The report lacks the machine, the version and the settings. When
// ctx ends it returns the report of the rounds that were whole by then, and says so in Cut.
func Run(ctx context.Context, c Config) (*result.Report, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	began := time.Now()
	r := &run{Config: c, report: &result.Report{Kind: result.Sink, At: began.UTC().Truncate(time.Second)}}
	admin, err := c.Kafka.Client()
	if err != nil {
		return nil, err
	}
	err = kafka.EnsureTopics(ctx, admin, c.Partitions)
	admin.Close()
	if err != nil {
		return nil, err
	}
	r.log, err = c.Kafka.Client(kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), kgo.UnknownTopicRetries(-1))
	if err != nil {
		return nil, err
	}
	defer r.log.Close()
	c.Progress(fmt.Sprintf("producing %d sightings", c.Sightings))
	if err := r.produce(ctx); err != nil {
		return nil, err
	}
	// The first drain makes what the rows refer to, and the rows for COPY; it does not count.
	c.Progress("warming up")
	if _, err := r.drain(ctx, "the warm-up"); err != nil {
		return nil, err
	}
	if err := r.unload(ctx); err != nil {
		return nil, err
	}
	r.report.Startup = time.Since(began).Seconds()
	for n := range c.Rounds {
		err := r.round(ctx, n)
		if err != nil && ctx.Err() != nil && n > 0 {
			r.report.Cut = fmt.Sprintf("it was stopped in round %d of %d, which has no figures", n+1, c.Rounds)
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if c.Rate > 0 && r.report.Cut == "" {
		err := r.steady(ctx)
		if err != nil && ctx.Err() == nil {
			return nil, err
		}
		if err != nil {
			r.report.Cut = "it was stopped at the steady rate, of which there are no figures"
			r.dropSteady()
		}
	}
	r.finish()
	return r.report, nil
}

// round measures the sink and COPY, in an order that changes from round to round.
func (r *run) round(ctx context.Context, n int) error {
	var sink, bare half
	var err error
	steps := []func() error{
		func() error {
			r.Progress(fmt.Sprintf("round %d of %d: sink", n+1, r.Rounds))
			sink, err = r.drain(ctx, fmt.Sprintf("round %d of the sink", n+1))
			return err
		},
		func() error {
			r.Progress(fmt.Sprintf("round %d of %d: COPY", n+1, r.Rounds))
			bare, err = r.copied(ctx, fmt.Sprintf("round %d of COPY", n+1))
			return err
		},
	}
	if n%2 == 1 {
		steps[0], steps[1] = steps[1], steps[0]
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	r.report.Rounds = append(r.report.Rounds, r.figures(sink, bare))
	return nil
}

// copied brings the rows into the empty tables by COPY.
func (r *run) copied(ctx context.Context, what string) (h half, err error) {
	if err := r.empty(ctx); err != nil {
		return h, err
	}
	if h.took, h.server, err = r.load(ctx); err != nil {
		return h, err
	}
	return h, r.verify(ctx, what, r.Sightings, false)
}
