package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/otel/trace"

	"github.com/sightlog/sightlog/event"
)

func headers(schema, contentType string) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: event.HeaderSchema, Value: []byte(schema)},
		{Key: event.HeaderContentType, Value: []byte(contentType)},
	}
}

func (c Config) sightingRecord(ctx context.Context, s *event.Sighting, span trace.Span) (*kgo.Record, error) {
	b, err := c.Schemas.Encode(ctx, s)
	if err != nil {
		return nil, err
	}
	rec := &kgo.Record{
		Topic: Sightings, Key: []byte(s.Camera), Value: b,
		Timestamp: s.ProducedAt.Time, Headers: headers(event.SchemaSighting, c.Schemas.ContentType()),
	}
	traceContext(rec, span)
	return rec, nil
}

// derivedTopics are the topics of derived events, by schema.
var derivedTopics = map[string]string{event.SchemaCrossing: Crossings, event.SchemaVisit: Visits}

// derivedRecords appends the records of events of a camera.
func (c Config) derivedRecords(ctx context.Context, recs []*kgo.Record, camera string, at time.Time, events []event.Derived) ([]*kgo.Record, error) {
	for _, e := range events {
		b, err := c.Schemas.Encode(ctx, e)
		if err != nil {
			return nil, err
		}
		recs = append(recs, &kgo.Record{
			Topic: derivedTopics[e.Schema()], Key: []byte(camera), Value: b, Timestamp: at,
			Headers: headers(e.Schema(), c.Schemas.ContentType()),
		})
	}
	return recs, nil
}

func runRecord(r *event.Run) (*kgo.Record, error) {
	b, err := r.Encode()
	if err != nil {
		return nil, err
	}
	return &kgo.Record{Topic: Runs, Key: []byte(r.ID), Value: b, Headers: headers(event.SchemaRun, event.ContentTypeJSON)}, nil
}
