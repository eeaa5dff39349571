package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/sightlog/sightlog/usage"
)

// Config of a Tracer.
type Config struct {
	Endpoint string  // of the collector, as http://host:4318; empty: nothing is traced
	Sample   float64 // share of the frames to trace, 0 to 1
	Follow   bool    // trace all that another process has drawn, not a share
	Service  string  // the part of sightlog: detect, sink
	Version  string
	Log      *slog.Logger // default: discard
}

// closeTimeout bounds Close: a collector that is away holds up no stop.
const closeTimeout = 2 * time.Second

// Tracer records spans. All methods may be called on nil, and concurrently.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// Open returns a Tracer that sends to the collector of cfg, or nil if it names none. It does
// not connect. An invalid setting is a *usage.Error.
func Open(cfg Config) (*Tracer, error) {
	if cfg.Endpoint == "" {
		return nil, nil
	}
	u, err := url.Parse(cfg.Endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, usage.New("give the collector's address, as http://127.0.0.1:4318", "--otlp-endpoint: it is no http:// or https:// address")
	}
	if cfg.Sample < 0 || cfg.Sample > 1 {
		return nil, usage.New("give 0 to 1", "--trace-sample %g", cfg.Sample)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	exporter, err := otlptracehttp.New(context.Background(),
		otlptracehttp.WithEndpointURL(u.String()), otlptracehttp.WithTimeout(5*time.Second))
	if err != nil {
		return nil, fmt.Errorf("open the exporter of traces: %w", err)
	}
	root := sdk.TraceIDRatioBased(cfg.Sample)
	if cfg.Follow {
		root = sdk.AlwaysSample() // of a transaction that has traced sightings
	}
	host, _ := os.Hostname() // "" is left out
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter, sdk.WithBatchTimeout(time.Second)),
		sdk.WithSampler(sdk.ParentBased(root)),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.namespace", "sightlog"), attribute.String("service.name", "sightlog-"+cfg.Service),
			attribute.String("service.version", cfg.Version), attribute.String("host.name", host), attribute.Int("process.pid", os.Getpid()),
		)),
	)
	otel.SetErrorHandler(&reporter{log: cfg.Log})
	return &Tracer{provider: provider, tracer: provider.Tracer("github.com/sightlog/sightlog")}, nil
}

// Close sends what is left, for closeTimeout at most.
func (t *Tracer) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}

// reportEvery is the shortest time between two lines about a collector that fails.
const reportEvery = time.Minute

// reporter logs errors of the exporter, a line in a minute.
type reporter struct {
	log *slog.Logger

	mu   sync.Mutex // guards the following
	last time.Time
}

// Handle implements otel.ErrorHandler.
func (r *reporter) Handle(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.last) >= reportEvery {
		r.last = time.Now()
		r.log.Warn("traces cannot be sent", "err", err)
	}
}
