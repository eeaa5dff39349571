package kafka

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
)

// acked ends the span of an acknowledged sighting and calls Acked.
func (c Config) acked(camera string, produced event.Time, span trace.Span) {
	span.End()
	if c.Acked != nil {
		c.Acked(Ack{Camera: camera, Took: time.Since(produced.Time), Trace: span.SpanContext()})
	}
}

// traceContext writes the context of a span into the headers of a record, as W3C Trace
// Context says, so that the span of its commit becomes a child of it. A record that is not
// traced has no header more.
func traceContext(rec *kgo.Record, span trace.Span) {
	if span == nil || !span.SpanContext().IsSampled() {
		return
	}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(context.Background(), span), recordHeaders{rec})
}

// TraceOf returns the span context in the headers of a record, invalid if there is none.
func TraceOf(rec *kgo.Record) trace.SpanContext {
	ctx := propagation.TraceContext{}.Extract(context.Background(), recordHeaders{rec})
	return trace.SpanContextFromContext(ctx)
}

// recordHeaders are a record's headers as a carrier of trace context.
type recordHeaders struct{ *kgo.Record }

// Get implements propagation.TextMapCarrier.
func (r recordHeaders) Get(key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (r recordHeaders) Set(key, value string) {
	r.Headers = append(r.Headers, kgo.RecordHeader{Key: key, Value: []byte(value)})
}

// Keys implements propagation.TextMapCarrier.
func (r recordHeaders) Keys() []string {
	keys := make([]string, len(r.Headers))
	for i, h := range r.Headers {
		keys[i] = h.Key
	}
	return keys
}
