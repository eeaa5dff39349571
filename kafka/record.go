package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
)

func headers(schema string) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: event.HeaderSchema, Value: []byte(schema)},
		{Key: event.HeaderContentType, Value: []byte(event.ContentTypeJSON)},
	}
}

func sightingRecord(s *event.Sighting) (*kgo.Record, error) {
	b, err := s.Encode()
	if err != nil {
		return nil, err
	}
	return &kgo.Record{
		Topic: Sightings, Key: []byte(s.Camera), Value: b,
		Timestamp: s.ProducedAt.Time, Headers: headers(event.SchemaSighting),
	}, nil
}

func crossingRecord(c *event.Crossing, at time.Time) (*kgo.Record, error) {
	b, err := c.Encode()
	if err != nil {
		return nil, err
	}
	return &kgo.Record{
		Topic: Crossings, Key: []byte(c.Camera), Value: b,
		Timestamp: at, Headers: headers(event.SchemaCrossing),
	}, nil
}

func runRecord(r *event.Run) (*kgo.Record, error) {
	b, err := r.Encode()
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Topic: Runs, Key: []byte(r.ID), Value: b, Headers: headers(event.SchemaRun)}, nil
}
