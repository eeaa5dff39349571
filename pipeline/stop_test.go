package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/datadir"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
)

// running is what answers when a service is asked to stop.
type running struct {
	stopping                      string
	sinks, pool, database, broker bool
	directory                     bool // is locked by this process
}

// TestServices_Stop_IsInTheOrderOfTheData runs the bundled broker and a private database,
// and looks, whenever one is asked to stop, at what else still runs.
func TestServices_Stop_IsInTheOrderOfTheData(t *testing.T) {
	t.Parallel()
	pgtest.Open(t) // skips where there is no PostgreSQL
	dir := pgtest.Dir(t)
	log := slog.New(slog.DiscardHandler)
	s, err := StartServices(t.Context(), ServicesConfig{
		Data: config.Data{Data: dir}, Kafka: config.Kafka{Partitions: 1, Compression: "none"},
		Sinks: config.Sinks{Sinks: 1}, Broker: config.Broker{Listen: "127.0.0.1:0"}, Log: log,
	})
	require.NoError(t, err)
	pool, sinks := s.Pool, s.sinks
	var found []running
	observe := func(name string, inner *service) *service {
		return startService(func(ctx context.Context) error {
			<-ctx.Done()
			found = append(found, running{
				name, !ended(sinks), pool.Ping(t.Context()) == nil, answers(t.Context(), s.private.SuperURL()),
				brokerAnswers(t.Context(), s.Kafka.Brokers[0]), locked(dir),
			})
			return inner.stop()
		})
	}
	s.sinks, s.dbSupervisor, s.broker = observe("sinks", s.sinks), observe("database", s.dbSupervisor), observe("broker", s.broker)
	require.NoError(t, s.Stop())
	require.Equal(t, []running{
		{"sinks", true, true, true, true, true},
		{"database", false, false, true, true, true}, // first who would start it again, then the server
		{"broker", false, false, false, true, true},
	}, found)
	require.False(t, locked(dir))
}

func ended(s *service) bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func answers(ctx context.Context, url string) bool {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

func brokerAnswers(ctx context.Context, addr string) bool {
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return false
	}
	defer cl.Close()
	return cl.Ping(ctx) == nil
}

func locked(dir string) bool {
	_, err := datadir.ReadEndpoints(dir)
	return !errors.Is(err, datadir.ErrNotRunning)
}

// TestRun_SourcesEnded_SinksStopBeforeTheJobEnds looks at the requests that a broker gets:
// the sinks leave their group when all is in the tables, and then the job is written as
// done, while the broker is still there. What Run returns was asked before.
func TestRun_SourcesEnded_SinksStopBeforeTheJobEnds(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	brokers := cluster.ListenAddrs()
	cfg := ServicesConfig{
		Kafka:    config.Kafka{Cluster: config.Cluster{Brokers: brokers}, Partitions: 1, Compression: "none"},
		Database: config.Database{DatabaseURL: pgtest.URL(t)}, Sinks: config.Sinks{Sinks: 1}, Log: slog.New(slog.DiscardHandler),
	}
	require.NoError(t, ReachTopics(t.Context(), cfg.Kafka, false, cfg.Log))
	id := finishedRun(t, kafka.Config{Brokers: brokers, Compression: "none"})

	var mu sync.Mutex
	var asked []string
	cluster.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		mu.Lock()
		defer mu.Unlock()
		switch req := req.(type) {
		case *kmsg.LeaveGroupRequest:
			asked = append(asked, "leave the group")
		case *kmsg.InitProducerIDRequest:
			asked = append(asked, "write as "+*req.TransactionalID)
		}
		return nil, nil, false
	})
	status, err := json.Marshal(Status{Cameras: []CameraStatus{{ID: "door", Run: id, State: Ended}}})
	require.NoError(t, err)
	last, err := Run(t.Context(), RunConfig{
		Services: cfg, Detect: []string{"sh", "-c", "read -r job; printf '%s\\n' '" + string(status) + "' >&3"},
		Progress: func(Progress) {}, Stderr: io.Discard, Log: cfg.Log,
	})
	require.NoError(t, err)
	require.Zero(t, last.Lag)
	require.Equal(t, []string{"leave the group", "write as sightlog.job.door"}, slices.Compact(asked))
}

// finishedRun writes a run of a file that has ended, in a job that has not, and returns
// its id.
func finishedRun(t *testing.T, cfg kafka.Config) string {
	t.Helper()
	w, err := kafka.OpenFile(t.Context(), cfg, event.Run{Camera: "door", SourceKind: event.SourceFile, Fingerprint: "f"}, 0, func(string) bool { return false })
	require.NoError(t, err)
	require.NoError(t, w.Finish(t.Context(), event.Run{Outcome: event.OutcomeFinished}))
	return w.Run().ID
}
