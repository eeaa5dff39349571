package sink

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/tracing"
)

// Group is the default name of the consumer group.
const Group = "sightlog-sink"

// Config of a Sink. The zero value of every field but Kafka and Pool is the
// default.
type Config struct {
	Kafka kafka.Config
	Pool  *pgxpool.Pool // migrated; at least Consumers+3 connections

	Group     string   // default Group
	Topics    []string // default kafka.Topics
	Consumers int      // concurrent members of the group; default 2
	From      []From   // where to read on in partitions that would be stopped

	Keep       Keep            // how long rows are kept; default: for ever
	CameraKeep map[string]Keep // of cameras that have their own
	Store      Store           // sightings to write rows of; default StoreAll

	SnapshotSpace int64 // bytes of snapshots, above which the oldest are deleted; default: without limit

	Outbox []string // events to write into the table outbox, too: OutboxCrossings, OutboxVisits

	Watcher Watcher // looks at what is written, in its transaction; may be nil

	Skip []Skip // offsets to go on behind, once their partitions come there

	MaxRecords     int           // of one transaction; default 1000
	BatchDelay     time.Duration // wait so long for more records before a transaction; default 0
	SessionTimeout time.Duration // until a killed member's partitions move on; default 6 s
	DeadTimeout    time.Duration // until a dead letter counts as not written; default 3 s
	StallTimeout   time.Duration // until a partition with records left that does not move counts as waiting; default 15 s
	StopTimeout    time.Duration // for the transaction in progress when Run's context ends; default 1 s

	// OnCommit is called after each transaction by the consumer that wrote it;
	// consumers call it concurrently. It must not block.
	OnCommit func(Commit)

	Log     *slog.Logger          // default: discard
	Metrics prometheus.Registerer // default: none
	Tracer  *tracing.Tracer       // default: none
}

// Commit describes one committed transaction. One whose acknowledgement was lost is
// not reported.
type Commit struct {
	At         time.Time // when the database acknowledged it
	Records    int       // of the log, of every kind
	Sightings  int
	People     int
	Detections int
	EndToEnd   []time.Duration // of each sighting that says when it was grabbed
}

func (c Config) withDefaults() Config {
	if c.Group == "" {
		c.Group = Group
	}
	if len(c.Topics) == 0 {
		c.Topics = kafka.Topics()
	}
	if c.Consumers <= 0 {
		c.Consumers = 2
	}
	if c.MaxRecords <= 0 {
		c.MaxRecords = 1000
	}
	for d, v := range map[*time.Duration]time.Duration{
		&c.SessionTimeout: 6 * time.Second,
		&c.DeadTimeout:    3 * time.Second,
		&c.StallTimeout:   15 * time.Second,
		&c.StopTimeout:    time.Second,
	} {
		if *d <= 0 {
			*d = v
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Sink writes the topics of a log into a database.
type Sink struct {
	cfg           Config
	idCache       *idCache
	dayPartitions *dayPartitions
	metrics       *metrics
	dead          *kgo.Client // produces dead letters, reads single records
	states        *partitionStates
	stopLogged    sync.Map // topicPartition: those whose stop was logged
	skips         *skips
	bounded       *bounded      // nil: reads on and on
	fromApplied   atomic.Bool   // Config.From has been applied
	hurried       chan struct{} // closed by hurryOnce: pauses are short from then on
	hurryOnce     func()
}

// maxLetter bounds a dead letter, in bytes; the broker enforces the topic's own limit.
const maxLetter = 16 << 20

// New checks cfg and returns a Sink. It connects to nothing yet.
func New(cfg Config) (*Sink, error) {
	cfg = cfg.withDefaults()
	if cfg.Pool == nil {
		return nil, errors.New("sink: no database pool")
	}
	m := newMetrics(cfg.Metrics)
	s := &Sink{
		cfg:           cfg,
		idCache:       newIDCache(cfg.Pool, cfg.Store),
		dayPartitions: newDayPartitions(cfg.Pool, cfg.Log),
		metrics:       m,
		states:        newPartitionStates(m.blocked),
		skips:         newSkips(cfg.Skip),
	}
	s.hurried = make(chan struct{})
	s.hurryOnce = sync.OnceFunc(func() { close(s.hurried) })
	var err error
	s.dead, err = cfg.Kafka.Client(
		kgo.ProducerLinger(0),
		kgo.ProducerBatchMaxBytes(maxLetter),
		kgo.AllowAutoTopicCreation(),
		kgo.UnknownTopicRetries(4),
		kgo.RecordDeliveryTimeout(cfg.DeadTimeout),
	)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Blocked returns the partitions that cannot be written at present, by topic
// and number.
func (s *Sink) Blocked() []PartitionState {
	s.states.mu.Lock()
	defer s.states.mu.Unlock()
	all := make([]PartitionState, 0, len(s.states.blocked))
	for _, p := range s.states.blocked {
		all = append(all, p)
	}
	sortPartitions(all)
	return all
}
