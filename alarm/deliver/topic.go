package deliver

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// topic produces messages to a Kafka topic, with the alarm's id as key.
type topic struct {
	client *kgo.Client
	name   string
}

// send produces a message; a topic that is missing is created.
func (t *topic) send(ctx context.Context, m *outgoing) error {
	err := t.produce(ctx, m)
	if !errors.Is(err, kerr.UnknownTopicOrPartition) {
		return err
	}
	// One partition keeps the order of all messages; the replicas are the broker's default.
	_, err = kadm.NewClient(t.client).CreateTopic(ctx, 1, -1, nil, t.name)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("create topic %s: %w", t.name, err)
	}
	return t.produce(ctx, m)
}

func (t *topic) produce(ctx context.Context, m *outgoing) error {
	return t.client.ProduceSync(ctx, &kgo.Record{
		Topic: t.name, Key: []byte(m.ID), Value: m.payload,
		Headers: []kgo.RecordHeader{
			{Key: "schema", Value: []byte("sightlog.alarm.v1")}, {Key: "content-type", Value: []byte("application/json")},
			{Key: "id", Value: []byte(m.id)},
		},
	}).FirstErr()
}

func (t *topic) close() {}
