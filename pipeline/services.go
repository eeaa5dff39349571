package pipeline

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/alarm/deliver"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/tracing"
)

// ServicesConfig configures the services downstream of the detector. Without Brokers the
// bundled broker is started, without DatabaseURL a private PostgreSQL, both in the data
// directory.
type ServicesConfig struct {
	Data     config.Data
	Kafka    config.Kafka
	Database config.Database
	Sinks    config.Sinks
	Broker   config.Broker
	Flush    storage.Flush                    // of the bundled broker
	Cameras  map[string]config.CameraSettings // how long their rows are kept
	Places   map[string]config.Place          // stored instead of those in the tables; nil: those stay
	Alarms   Alarms
	Wait     bool
	Log      *slog.Logger
	Metrics  prometheus.Registerer
	Tracer   *tracing.Tracer
	OnCommit func(sink.Commit) // may be nil
	// Unacknowledged returns the number of sightings that wait for the log's
	// acknowledgement, which the metric of the lag counts too; may be nil.
	Unacknowledged func() int64
}

// Alarms are the rules of the configuration, where their alarms are sent, and reports.
type Alarms struct {
	Rules     []rule.Rule
	Receivers []rule.Receiver
	Cameras   []string // those of this start, whose states are sent; nil: those in the tables
	Reports   []rule.Report
}

// Services are a log, a database and the sinks between them.
type Services struct {
	Kafka config.Kafka // reaches the log
	URL   string       // of the database, as psql takes it
	Pool  *pgxpool.Pool

	cfg          ServicesConfig
	dir          *datadir.Dir
	broker       *service // runs ownBroker
	registry     *service // runs the bundled schema registry
	private      *postgres.Private
	dbSupervisor *service // restarts private when it dies
	sink         *sink.Sink
	sinks        *service // runs sink
	admin        *kgo.Client
	deliverer    *deliver.Deliverer
	alarms       []*service // what looks for alarms beside the sinks, and sends them

	ownBroker *broker.Broker
}

// service is a goroutine that runs until it is stopped, with the error it ended with.
type service struct {
	cancel context.CancelFunc
	done   chan struct{} // closed when run has returned
	err    error         // of run; read it after done is closed
}

func startService(run func(context.Context) error) *service {
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(s.done)
		s.err = run(ctx)
	}()
	return s
}

// stop ends the service, waits for it, and returns its error.
func (s *service) stop() error {
	if s == nil {
		return nil
	}
	s.cancel()
	<-s.done
	return s.err
}
