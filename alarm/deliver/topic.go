package deliver

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// topic produces messages to a Kafka topic, with the alarm's id as key.
type topic struct {
	client *kgo.Client
	name   string
}

func (t *topic) send(ctx context.Context, m *outgoing) error {
	return t.client.ProduceSync(ctx, &kgo.Record{
		Topic: t.name, Key: []byte(m.ID), Value: m.payload,
		Headers: []kgo.RecordHeader{{Key: "schema", Value: []byte("sightlog.alarm.v1")}, {Key: "content-type", Value: []byte("application/json")}, {Key: "id", Value: []byte(m.id)}},
	}).FirstErr()
}

func (t *topic) close() {}
