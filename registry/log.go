package registry

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
)

// Topic is where a registry is stored.
const Topic = "_schemas"

// topicLog is the topic. The registry's lock guards it.
type topicLog struct {
	cfg    kafka.Config
	client *kgo.Client // nil until the first append
}

// load reads the topic. One that does not exist is empty.
func (l *topicLog) load(ctx context.Context) (*state, error) {
	s := newState()
	err := kafka.ReadPartitions(ctx, l.cfg, Topic, []int32{0}, func(r *kgo.Record) error {
		if err := s.apply(change{r.Key, r.Value}); err != nil {
			return fmt.Errorf("%s, offset %d: %w", Topic, r.Offset, err)
		}
		return nil
	})
	if err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return nil, err
	}
	return s, nil
}

// append writes records, in order, and returns when they are in the log. The topic is created
// before the first one.
func (l *topicLog) append(ctx context.Context, changes []change) error {
	if l.client == nil {
		if err := l.open(ctx); err != nil {
			return err
		}
	}
	recs := make([]*kgo.Record, len(changes))
	for i, c := range changes {
		recs[i] = &kgo.Record{Topic: Topic, Key: c.key, Value: c.value}
	}
	return kafka.Produce(ctx, l.client, recs...).FirstErr()
}

func (l *topicLog) open(ctx context.Context) error {
	cl, err := l.cfg.Client(kgo.ProducerLinger(0), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(-1))
	if err != nil {
		return err
	}
	compact := "compact"
	_, err = kadm.NewClient(cl).CreateTopic(ctx, 1, -1, map[string]*string{"cleanup.policy": &compact}, Topic)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		cl.Close()
		return fmt.Errorf("create topic %s: %w", Topic, err)
	}
	l.client = cl
	return nil
}

func (l *topicLog) close() {
	if l.client != nil {
		l.client.Close()
	}
}
