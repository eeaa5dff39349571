package events

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// openTimeout bounds the questions to the cluster before the first event.
const openTimeout = 5 * time.Second

// tail reads the topics from their ends.
type tail struct {
	client  *kgo.Client
	schemas *schema.Codec
	from    position
}

// openTail finds the ends of the topics. One that does not exist yet has no partitions.
func openTail(ctx context.Context, c kafka.Config) (*tail, error) {
	cl, err := c.Client(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(time.Second))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	from, err := offsets(ctx, kadm.NewClient(cl).ListCommittedOffsets)
	if err != nil {
		cl.Close()
		return nil, err
	}
	cl.AddConsumePartitions(consume(from))
	return &tail{client: cl, schemas: c.Schemas, from: from}, nil
}

// offsets returns what list says of the topics.
func offsets(ctx context.Context, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (position, error) {
	var names []string
	for _, t := range topics {
		names = append(names, t.name)
	}
	listed, err := list(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("list the ends of the topics: %w", err)
	}
	p := make(position, len(topics))
	for i, t := range topics {
		for n := int32(0); ; n++ {
			o, there := listed.Lookup(t.name, n)
			if !there || n == 0 && o.Err != nil {
				break
			}
			if o.Err != nil {
				return nil, fmt.Errorf("list the end of %s/%d: %w", t.name, n, o.Err)
			}
			p[i] = append(p[i], o.Offset)
		}
	}
	return p, nil
}

// consume is a position as a client takes it.
func consume(p position) map[string]map[int32]kgo.Offset {
	all := make(map[string]map[int32]kgo.Offset)
	for i, partitions := range p {
		of := make(map[int32]kgo.Offset)
		for n, offset := range partitions {
			of[int32(n)] = kgo.NewOffset().At(offset)
		}
		if len(of) > 0 {
			all[topics[i].name] = of
		}
	}
	return all
}

// run calls each with the events of the records until ctx ends. The client retries what fails.
func (t *tail) run(ctx context.Context, log *slog.Logger, each func(e event, topic int, partition int32, offset int64)) {
	defer t.client.Close()
	for ctx.Err() == nil {
		fetches := t.client.PollFetches(ctx)
		fetches.EachError(func(topic string, partition int32, err error) {
			if ctx.Err() == nil {
				log.Debug("the events wait for the log", "topic", topic, "partition", partition, "err", err)
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			topic := indexOf(r.Topic)
			if e, err := t.decode(ctx, log, topic, r); err == nil {
				each(e, topic, r.Partition, r.Offset)
			}
		})
	}
}

// registryPauses are those before a schema registry that does not answer is asked again.
var registryPauses = backoff.Policy{First: 100 * time.Millisecond, Limit: 5 * time.Second}

// decode returns the event of a record. It waits for a schema registry that does not answer; the
// error of a record that never decodes, which the sink reports, is logged for who looks for it.
func (t *tail) decode(ctx context.Context, log *slog.Logger, topic int, r *kgo.Record) (event, error) {
	for failures := 1; ; failures++ {
		e, err := eventOf(ctx, t.schemas, topic, r)
		if err == nil {
			return e, nil
		}
		log.Debug("a record has no event", "topic", r.Topic, "partition", r.Partition, "offset", r.Offset, "err", err)
		if !errors.Is(err, schema.ErrUnavailable) || registryPauses.Wait(ctx, failures) != nil {
			return e, err
		}
	}
}
