package kafka

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"github.com/twmb/franz-go/plugin/kslog"
	"go.opentelemetry.io/otel/trace"

	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/schema"
	"github.com/sightlog/sightlog/usage"
)

// Names of the topics. Dead letters of a topic go to DeadTopic(topic).
const (
	Sightings = "sightings" // key camera id, value event.Sighting
	Crossings = "crossings" // key camera id, value event.Crossing
	Visits    = "visits"    // key camera id, value event.Visit; the sink computes its own from the sightings
	Runs      = "runs"      // key run id, value event.Run, compacted

	SnapshotTopic = "snapshots" // key event.Snapshot.Key, value event.Snapshot, compacted and kept for a week
)

// Topics returns the topics whose events are stored in tables, which alone have dead letters.
func Topics() []string { return []string{Sightings, Crossings, Runs, SnapshotTopic} }

// DeadTopic returns the name of the topic for the dead letters of a topic.
func DeadTopic(topic string) string { return topic + ".dead" }

// Config is how to reach a Kafka cluster and how to produce to it. The zero value of
// every field except Brokers is its default.
type Config struct {
	Brokers []string // host:port seeds

	TLS          *tls.Config // nil: plain TCP
	SASL         string      // "", "plain", "scram-sha-256", "scram-sha-512", "oauthbearer"
	SASLUser     string      // of an endpoint of SASLToken: the client's id
	SASLPassword string      // the same: its secret
	SASLToken    string      // of oauthbearer: "file:PATH", "command:PROGRAM" or the address of a token endpoint
	SASLScope    []string    // that the endpoint is asked for
	Flags        string      // prefix of the flags that messages name; default "--"

	Linger      time.Duration // of live sightings; default 0: send at once
	Compression string        // "zstd" (default), "lz4", "snappy", "gzip", "none"

	// Dial, if set, opens every connection, TLS included, whatever its address.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	Schemas *schema.Codec // encodes and decodes events; nil: JSON alone

	// Acked, if set, is called for each sighting that the log acknowledges, concurrently. It
	// must not block.
	Acked func(Ack)

	Log *slog.Logger // default: discard
}

// Ack is the acknowledgement of a sighting by the log.
type Ack struct {
	Camera string
	Took   time.Duration     // since it was handed to the producer
	Trace  trace.SpanContext // of the sighting's span; invalid: it is not traced
}

// maxExpanded bounds the decompressed size of a batch that is read, in bytes. The bundled
// broker accepts none above it.
const maxExpanded = 64 << 20

// Client opens a client with the settings that are common to producers and
// consumers, and opts after them. It does not connect yet.
func (c Config) Client(opts ...kgo.Opt) (*kgo.Client, error) {
	all, err := c.common()
	if err != nil {
		return nil, err
	}
	cl, err := kgo.NewClient(append(all, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("open kafka client: %w", err)
	}
	return cl, nil
}

func (c Config) common() ([]kgo.Opt, error) {
	if len(c.Brokers) == 0 {
		return nil, usage.New("give host:port[,host:port…]", "--brokers is empty")
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.ClientID("sightlog"),
		kgo.MetadataMinAge(100 * time.Millisecond), // a new leader is found at once
		kgo.RetryBackoffFn(retryPauses.After),
		kgo.MaxDecompressBatchBytes(maxExpanded),
	}
	if c.Log != nil {
		opts = append(opts, kgo.WithLogger(clientLog{kslog.New(c.Log)}))
	}
	switch {
	case c.Dial != nil:
		opts = append(opts, kgo.Dialer(c.Dial))
	case c.TLS != nil:
		opts = append(opts, kgo.DialTLSConfig(c.TLS))
	}
	mech, err := c.mechanism()
	if err != nil {
		return nil, err
	}
	if mech != nil {
		opts = append(opts, kgo.SASL(mech))
	}
	return opts, nil
}

// clientLog is a client's log without its informational lines: three for each transaction,
// and detect has one for each frame. At level debug they are logged.
type clientLog struct{ kgo.Logger }

// Level implements kgo.Logger.
func (l clientLog) Level() kgo.LogLevel {
	if level := l.Logger.Level(); level != kgo.LogLevelInfo {
		return level
	}
	return kgo.LogLevelWarn
}

// retryPauses are the pauses of the client and of the writers. Their limit is a second,
// so that a broker that restarts is found again within that time.
var retryPauses = backoff.Policy{First: 50 * time.Millisecond, Limit: time.Second}

func (c Config) mechanism() (sasl.Mechanism, error) {
	switch c.SASL {
	case "":
		return nil, nil
	case "plain":
		return plain.Auth{User: c.SASLUser, Pass: c.SASLPassword}.AsMechanism(), nil
	case "scram-sha-256":
		return scram.Auth{User: c.SASLUser, Pass: c.SASLPassword}.AsSha256Mechanism(), nil
	case "scram-sha-512":
		return scram.Auth{User: c.SASLUser, Pass: c.SASLPassword}.AsSha512Mechanism(), nil
	case "oauthbearer":
		return tokenSource{c.SASLToken, c.SASLUser, c.SASLPassword, c.SASLScope, cmp.Or(c.Flags, "--")}.mechanism()
	}
	return nil, unknown("sasl", c.SASL, "plain, scram-sha-256, scram-sha-512 or oauthbearer")
}

func unknown(key, value, known string) error {
	return usage.New("use "+known, "%s %q is not known", key, value)
}
