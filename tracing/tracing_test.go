package tracing_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/tracing"
	"github.com/sightlog/sightlog/usage"
)

// collect runs an OTLP receiver while f traces, and returns the spans that came, by name.
func collect(t *testing.T, sample float64, f func(*tracing.Tracer)) map[string][]*otlp.Span {
	t.Helper()
	spans := make(map[string][]*otlp.Span)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		var req collector.ExportTraceServiceRequest
		if err == nil && r.URL.Path == "/v1/traces" && proto.Unmarshal(b, &req) == nil {
			for _, rs := range req.GetResourceSpans() {
				for _, ss := range rs.GetScopeSpans() {
					for _, s := range ss.GetSpans() {
						spans[s.GetName()] = append(spans[s.GetName()], s)
					}
				}
			}
		}
	}))
	defer server.Close()
	tr, err := tracing.Open(tracing.Config{Endpoint: server.URL, Sample: sample, Service: "test"})
	require.NoError(t, err)
	f(tr)
	tr.Close()
	return spans
}

func sighting() *event.Sighting {
	at := time.Now().Add(-time.Second).Truncate(time.Microsecond)
	return &event.Sighting{
		Camera: "yard", Run: "r1", Seq: 7, GrabbedAt: event.At(at),
		DecodedAt: event.At(at.Add(2 * time.Millisecond)), InferredAt: event.At(at.Add(9 * time.Millisecond)),
	}
}

func TestTracer_SampleZero_NoSpans(t *testing.T) {
	spans := collect(t, 0, func(tr *tracing.Tracer) {
		ctx := tr.Frame(t.Context(), sighting())
		require.False(t, trace.SpanContextFromContext(ctx).IsSampled())
	})
	require.Empty(t, spans)
}

func TestTracer_TransactionOfSeveral_LinksBothWays(t *testing.T) {
	at := time.Now()
	var parents []trace.SpanContext
	spans := collect(t, 1, func(tr *tracing.Tracer) {
		var stored []tracing.Stored
		for i := range 2 {
			ctx := tr.Frame(t.Context(), sighting())
			span := trace.SpanFromContext(ctx)
			span.End()
			parents = append(parents, span.SpanContext())
			stored = append(stored, tracing.Stored{Parent: span.SpanContext(), Topic: "sightings", Offset: int64(i)})
		}
		tr.Commit(stored, 5, at, at.Add(time.Millisecond), at.Add(3*time.Millisecond))
	})
	require.Len(t, spans["frame"], 2)
	require.Len(t, spans["sightings commit"], 2)
	require.Len(t, spans["transaction"], 1)
	transaction := spans["transaction"][0]
	require.Len(t, transaction.GetLinks(), 2)
	for i, p := range parents {
		id, traceID := p.SpanID(), p.TraceID()
		require.Equal(t, id[:], transaction.GetLinks()[i].GetSpanId())
		require.Equal(t, id[:], spans["sightings commit"][i].GetParentSpanId())
		require.Equal(t, traceID[:], spans["sightings commit"][i].GetTraceId())
		require.Equal(t, transaction.GetSpanId(), spans["sightings commit"][i].GetLinks()[0].GetSpanId())
	}
	require.EqualValues(t, at.Add(time.Millisecond).UnixNano(), transaction.GetStartTimeUnixNano())
}

func TestOpen_InvalidSetting_OneLine(t *testing.T) {
	for _, c := range []tracing.Config{
		{Endpoint: "localhost:4318", Sample: 1}, {Endpoint: "grpc://user:secret@x:1", Sample: 1}, {Endpoint: "http://", Sample: 1}, {Endpoint: "http://x", Sample: 2},
	} {
		_, err := tracing.Open(c)
		require.True(t, usage.Is(err), "%v", c)
		require.NotContains(t, err.Error(), "secret")
	}
	none, err := tracing.Open(tracing.Config{})
	require.NoError(t, err)
	require.Nil(t, none)
}

// A frame costs nothing while nothing is traced.
func TestFrame_Off_AllocatesNothing(t *testing.T) {
	var off *tracing.Tracer
	s, ctx := sighting(), context.Background()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		trace.SpanFromContext(off.Frame(ctx, s)).End()
		off.Commit(nil, 1, time.Time{}, time.Time{}, time.Time{})
	}))
}

func BenchmarkFrame(b *testing.B) {
	on, err := tracing.Open(tracing.Config{Endpoint: "http://127.0.0.1:1", Sample: 0.01, Service: "test"})
	require.NoError(b, err)
	defer on.Close()
	for name, tr := range map[string]*tracing.Tracer{"off": nil, "one in a hundred": on} {
		b.Run(name, func(b *testing.B) {
			s, ctx := sighting(), context.Background()
			b.ReportAllocs()
			for b.Loop() {
				trace.SpanFromContext(tr.Frame(ctx, s)).End()
			}
		})
	}
}
