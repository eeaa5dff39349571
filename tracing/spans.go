package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/sightlog/sightlog/event"
)

// Frame records the spans of a frame up to its sighting, if it is drawn. The context that it
// returns has the span of sending the sighting, which the writer of package kafka ends when
// the log has acknowledged it; without a trace it is ctx.
func (t *Tracer) Frame(ctx context.Context, s *event.Sighting) context.Context {
	if t == nil {
		return ctx
	}
	now := time.Now()
	in, frame := t.tracer.Start(ctx, "frame", trace.WithNewRoot(), trace.WithTimestamp(s.GrabbedAt.Time))
	if !frame.IsRecording() {
		return ctx
	}
	frame.SetAttributes(
		attribute.String("sightlog.camera", s.Camera), attribute.String("sightlog.run", s.Run), attribute.Int64("sightlog.seq", s.Seq),
		attribute.Int("sightlog.objects", len(s.Objects)), attribute.Int64("sightlog.dropped_before", s.DroppedBefore),
	)
	t.child(in, "decode", s.GrabbedAt.Time, s.DecodedAt.Time)
	t.child(in, "infer", s.DecodedAt.Time, s.InferredAt.Time, attribute.String("sightlog.model", s.Model.Name))
	sending, _ := t.tracer.Start(in, "sightings send", trace.WithTimestamp(now), trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "send"),
			attribute.String("messaging.destination.name", "sightings"), attribute.String("messaging.kafka.message.key", s.Camera)))
	frame.End(trace.WithTimestamp(now))
	return sending
}

// child records a span that is over.
func (t *Tracer) child(ctx context.Context, name string, from, to time.Time, attributes ...attribute.KeyValue) {
	_, span := t.tracer.Start(ctx, name, trace.WithTimestamp(from), trace.WithAttributes(attributes...))
	span.End(trace.WithTimestamp(to))
}

// Stored is a traced sighting that a transaction has stored.
type Stored struct {
	Parent    trace.SpanContext // of its record
	Topic     string
	Partition int32
	Offset    int64
}

// Commit records the spans of a transaction with so many records, of which stored are
// traced: for each its commit, and one of the transaction if it has several records.
func (t *Tracer) Commit(stored []Stored, records int, fetched, began, committed time.Time) {
	if t == nil || len(stored) == 0 {
		return
	}
	var transaction trace.SpanContext
	if records > 1 {
		transaction = t.transaction(stored, records, began, committed)
	}
	for _, s := range stored {
		opts := []trace.SpanStartOption{
			trace.WithTimestamp(fetched), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
				attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "commit"),
				attribute.String("messaging.destination.name", s.Topic), attribute.Int("messaging.destination.partition.id", int(s.Partition)),
				attribute.Int64("messaging.kafka.offset", s.Offset), attribute.String("db.system.name", "postgresql"),
				attribute.Int("messaging.batch.message_count", records)),
		}
		if transaction.IsValid() {
			opts = append(opts, trace.WithLinks(trace.Link{SpanContext: transaction}))
		}
		ctx := trace.ContextWithRemoteSpanContext(context.Background(), s.Parent)
		_, span := t.tracer.Start(ctx, s.Topic+" commit", opts...)
		span.End(trace.WithTimestamp(committed))
	}
}

// transaction records the span of a transaction.
func (t *Tracer) transaction(stored []Stored, records int, began, committed time.Time) trace.SpanContext {
	links := make([]trace.Link, len(stored))
	for i, s := range stored {
		links[i].SpanContext = s.Parent
	}
	_, span := t.tracer.Start(context.Background(), "transaction", trace.WithTimestamp(began), trace.WithLinks(links...),
		trace.WithAttributes(attribute.String("db.system.name", "postgresql"), attribute.Int("messaging.batch.message_count", records)))
	span.End(trace.WithTimestamp(committed))
	return span.SpanContext()
}
