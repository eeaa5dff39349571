package produce

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/disk"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/grace"
)

// stopGrace is how long the records that were sent may take, and the topic's check, when the
// benchmark is stopped.
const stopGrace = 20 * time.Second

// Run makes a topic, puts the load on it in rounds, before each of which and after the last
// the disk is measured, reads the topic again and removes it. The report lacks the machine,
// the version and the settings, which the caller knows. When stop ends it returns the
// report of what was measured by then, and says so in Cut.
func Run(stop context.Context, c Config) (report *result.Report, err error) {
	ctx, cancel := grace.Context(stop, stopGrace)
	defer cancel()
	if err := c.Check(); err != nil {
		return nil, err
	}
	if c.Progress == nil {
		c.Progress = func(string) {}
	}
	began := time.Now()
	probe, err := disk.Open(c.Disk)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, probe.Close()) }()
	topic := "sightlog-bench-" + uuid.NewString()
	admin, err := c.Kafka.Client()
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	adm := kadm.NewClient(admin)
	if err := c.create(ctx, adm, topic); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, remove(ctx, adm, topic)) }()

	r := &run{Config: c, probe: probe, report: &result.Report{Kind: result.Broker, At: began.UTC().Truncate(time.Second)}}
	r.report.Durability.Stated = c.durability(ctx, adm, topic)
	defer r.close()
	if err := r.open(ctx, topic); err != nil {
		return nil, err
	}
	r.report.Startup = time.Since(began).Seconds()
	if err := r.rounds(stop, ctx); err != nil {
		return nil, err
	}
	c.Progress("reading the topic again")
	if r.report.Correct, err = c.consume(ctx, topic, r.producers); err != nil {
		return nil, err
	}
	r.finish()
	return r.report, check(r.report.Correct)
}

// open starts the producers and sends a record to each partition: each has a leader and
// its files before anything is measured.
func (r *run) open(ctx context.Context, topic string) error {
	texts := newPayloads(r.Size)
	for i := range r.Producers + 1 {
		opts, err := r.options(topic)
		if err != nil {
			return err
		}
		opts = append(opts, kgo.WithHooks(&r.batches))
		if i == r.Producers {
			opts = append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0))
		}
		cl, err := r.Kafka.Client(opts...)
		if err != nil {
			return err
		}
		r.producers = append(r.producers, &producer{number: i, client: cl, payloads: texts, keyed: r.Partitioner == "key"})
	}
	return r.producers[r.Producers].touch(ctx, r.Partitions)
}

func (r *run) close() {
	for _, p := range r.producers {
		p.client.Close()
	}
}

// rounds runs the warm-up and the rounds, until stop ends.
func (r *run) rounds(stop, ctx context.Context) error {
	r.batches.reset()
	r.Progress("warming up")
	r.forget()
	took, err := r.load(stop, ctx, r.senders(), max(r.WarmUp, leastWarmUp))
	if err != nil {
		return err
	}
	r.report.Warmup, r.batchSize = took.Seconds(), r.batches.size()
	before, err := r.measureDisk(ctx)
	if err != nil {
		return err
	}
	for n := range r.Rounds {
		if stop.Err() != nil {
			break
		}
		r.Progress(fmt.Sprintf("round %d of %d", n+1, r.Rounds))
		done, err := r.round(stop, ctx)
		if err != nil {
			return err
		}
		if !done {
			break
		}
		after, err := r.measureDisk(ctx)
		if err != nil {
			return err
		}
		r.compare(&r.report.Rounds[n], before, after, n == 0)
		before = after
	}
	if stop.Err() == nil {
		return nil
	}
	if len(r.report.Rounds) == 0 {
		return errors.New("the benchmark was stopped before the first record was measured")
	}
	r.report.Cut = fmt.Sprintf("it was stopped after %.1f s of round %d of %d", r.report.Rounds[len(r.report.Rounds)-1].Seconds, len(r.report.Rounds), r.Rounds)
	return nil
}

// leastWarmUp is long enough to know the size of a batch.
const leastWarmUp = 100 * time.Millisecond

func (r *run) senders() []*producer { return r.producers[:r.Producers] }

// forget empties the histograms.
func (r *run) forget() {
	for _, p := range r.senders() {
		p.latency, p.late = result.NewHistogram(), result.NewHistogram()
	}
	r.batches.reset()
}

func (r *run) measureDisk(ctx context.Context) (measured, error) {
	r.Progress("measuring the disk")
	m := measured{result.NewHistogram(), result.NewHistogram()}
	d := min(diskTime, r.Duration)
	err := r.probe.Measure(ctx, r.batchSize, d*2/3, m.sync)
	if err == nil {
		err = r.probe.Measure(ctx, writeSize, d/3, m.write)
	}
	return m, err
}

// round puts the load on the broker once and adds its figures to the report. done is false
// if stop ended before it sent a record.
func (r *run) round(stop, ctx context.Context) (done bool, err error) {
	r.forget()
	before, err := r.usage()
	if err != nil {
		return false, err
	}
	took, err := r.load(stop, ctx, r.senders(), r.Duration)
	if err != nil {
		return false, err
	}
	after, err := r.usage()
	if err != nil {
		return false, err
	}
	latency, late := result.NewHistogram(), result.NewHistogram()
	for _, p := range r.senders() {
		latency.Merge(p.latency)
		late.Merge(p.late)
	}
	if latency.N() == 0 && stop.Err() != nil {
		return false, nil
	}
	if latency.N() == 0 {
		return false, errors.New("no record was due in the time; raise --rate or --duration")
	}
	round := result.Round{Seconds: took.Seconds(), Frames: latency.N(), Processes: processes(before, after)}
	round.Values, round.Histograms = r.values(took, latency, before, after), map[string]*result.Histogram{Acknowledged: latency}
	if r.Rate > 0 {
		round.Histograms[Late] = late
		round.Values[LateP99] = late.Quantile(.99)
	}
	r.report.Rounds = append(r.report.Rounds, round)
	return true, nil
}
