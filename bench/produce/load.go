package produce

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
)

// producer is one client. Its fields belong to the goroutine that sends, those of
// acknowledgements to the client's goroutine that reports them, one after the other.
type producer struct {
	number   int
	client   *kgo.Client
	payloads payloads
	keyed    bool
	sent     int64 // records, over all rounds: the number of the next

	failed  error // of the first record that was not acknowledged
	latency *result.Histogram
	late    *result.Histogram // open loop: from due to sent
}

// send sends a record and calls done, which may be nil, with its outcome. The latency counts
// from since.
func (p *producer) send(ctx context.Context, since time.Time, done func()) {
	r := &kgo.Record{Value: p.payloads.value(p.number, p.sent)}
	if p.keyed {
		r.Key = fmt.Appendf(nil, "cam-%d", p.sent%cameras)
	}
	p.sent++
	p.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
		if err == nil {
			p.latency.Add(time.Since(since))
		} else if p.failed == nil {
			p.failed = fmt.Errorf("produce: %w", err)
		}
		if done != nil {
			done()
		}
	})
}

// touch sends a record to each partition and waits for all of them.
func (p *producer) touch(ctx context.Context, partitions int32) error {
	for n := range partitions {
		r := &kgo.Record{Partition: n, Value: p.payloads.value(p.number, p.sent)}
		p.sent++
		p.client.Produce(ctx, r, func(_ *kgo.Record, err error) {
			if err != nil && p.failed == nil {
				p.failed = fmt.Errorf("produce to a new topic: %w", err)
			}
		})
	}
	if err := p.client.Flush(ctx); err != nil {
		return err
	}
	return p.failed
}

// cameras is how many keys there are.
const cameras = 50

// schedule is when the records of an open loop are due.
type schedule struct {
	began time.Time
	every time.Duration // of all producers together
	n     int64         // records of the whole
}

func (s schedule) due(n int64) time.Time { return s.began.Add(time.Duration(n) * s.every) }

// openLoop sends every producers-th record of the schedule when it is due, until stop ends.
func (p *producer) openLoop(stop, work context.Context, s schedule, producers int) {
	for n := int64(p.number); n < s.n && stop.Err() == nil; n += int64(producers) {
		due := s.due(n)
		service.SleepUntil(due)
		p.late.Add(time.Since(due))
		p.send(work, due, nil)
	}
}

// closedLoop keeps inFlight records unacknowledged until d has passed or stop ends.
func (p *producer) closedLoop(stop, work context.Context, d time.Duration, inFlight int) {
	free := make(chan struct{}, inFlight) // has an entry for each record in flight; full: wait for one
	for began := time.Now(); time.Since(began) < d && stop.Err() == nil; {
		free <- struct{}{}
		p.send(work, time.Now(), func() { <-free })
	}
}

// load runs all producers for d, or until stop ends, and waits until all they sent is
// acknowledged. It returns how long that took.
func (c *Config) load(stop, work context.Context, producers []*producer, d time.Duration) (time.Duration, error) {
	began := time.Now()
	s := schedule{began: began, n: int64(c.Rate * d.Seconds())}
	if c.Rate > 0 {
		s.every = time.Duration(float64(time.Second) / c.Rate)
	}
	var sending sync.WaitGroup
	for _, p := range producers {
		sending.Go(func() {
			if c.Rate > 0 {
				p.openLoop(stop, work, s, c.Producers)
			} else {
				p.closedLoop(stop, work, d, c.InFlight)
			}
		})
	}
	sending.Wait()
	var flushing sync.WaitGroup
	for _, p := range producers {
		flushing.Go(func() { _ = p.client.Flush(work) }) // what it did not deliver is an error of its record
	}
	flushing.Wait()
	took := time.Since(began)
	for _, p := range producers {
		if p.failed != nil {
			return took, p.failed
		}
	}
	return took, nil
}
