package occupancy

import (
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/outage"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Topic is the default name of the topic with the records.
const Topic = "occupancy"

// StateTopic returns the name of the topic for the state of the computation whose records
// go to a topic.
func StateTopic(topic string) string { return topic + ".state" }

// Group returns the consumer group of the computation whose records go to a topic.
func Group(topic string) string { return "sightlog-" + topic }

// Config of a Processor. The zero value of every field but Kafka and Grace is the default.
type Config struct {
	Kafka kafka.Config
	Topic string // default Topic; names the group and the state's topic too

	Window time.Duration // whole seconds; default 1m
	Every  time.Duration // from one window's start to the next's; divides Window; default Window
	Grace  time.Duration // how long a window waits for frames that are not in order
	Idle   time.Duration // of a camera, until its windows are emitted; default Window, at least 1m

	Interval           time.Duration // between transactions, unless there is a backlog; default 500 ms
	MaxRecords         int           // of one transaction; default 2000
	SessionTimeout     time.Duration // until a killed instance's partitions move on; default 6 s
	Heartbeat          time.Duration // to the group; default 500 ms, or a third of SessionTimeout
	TransactionTimeout time.Duration // until a killed instance's transaction is aborted; default 10 s
	StopTimeout        time.Duration // for the transaction in progress when Run's context ends; default 3 s

	Log     *slog.Logger          // default: discard
	Metrics prometheus.Registerer // default: none
}

func (c Config) withDefaults() Config {
	if c.Topic == "" {
		c.Topic = Topic
	}
	if c.MaxRecords <= 0 {
		c.MaxRecords = 2000
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	setDefault(&c.Window, time.Minute)
	setDefault(&c.Every, c.Window)
	setDefault(&c.Idle, max(c.Window, time.Minute))
	setDefault(&c.Interval, 500*time.Millisecond)
	setDefault(&c.SessionTimeout, 6*time.Second)
	setDefault(&c.Heartbeat, min(500*time.Millisecond, c.SessionTimeout/3))
	setDefault(&c.TransactionTimeout, 10*time.Second)
	setDefault(&c.StopTimeout, 3*time.Second)
	return c
}

func setDefault(d *time.Duration, v time.Duration) {
	if *d == 0 {
		*d = v
	}
}

// topicName is what Kafka allows, with space for the suffix of StateTopic.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,200}$`)

func (c Config) check() error {
	switch reserved := append(kafka.Topics(), kafka.Visits, ".", ".."); {
	case !topicName.MatchString(c.Topic), slices.Contains(reserved, c.Topic):
		return usage.New("use up to 200 of a-z, A-Z, 0-9, '.', '_' and '-', and no topic of sightlog's", "--topic %q", c.Topic)
	case c.Window < time.Second || c.Window > event.MaxWindow || c.Window%time.Second != 0:
		return usage.New("give whole seconds, 1s to 24h", "--window %s", c.Window)
	case c.Every < time.Second || c.Every%time.Second != 0:
		return usage.New("give whole seconds, at least 1s", "--every %s", c.Every)
	case c.Window%c.Every != 0:
		return usage.New("give a divisor of it, such as "+(c.Window/2).String(), "--every %s does not divide --window %s", c.Every, c.Window)
	case c.Grace < 0:
		return usage.New("give 0s or more", "--grace %s", c.Grace)
	case c.Grace > event.MaxWindow || (c.Window+c.Grace)/c.Every > maxPanes:
		return usage.New("make --every longer, or the others shorter", "--window %s and --grace %s are more than %d times --every %s",
			c.Window, c.Grace, maxPanes, c.Every)
	case c.Idle < 0:
		return usage.New("give a time above 0s", "--idle %s", c.Idle)
	}
	return nil
}

// Processor computes the records of one topic. Several may run at a time, in one process
// or in several; they share the partitions.
type Processor struct {
	cfg     Config
	windows windows
	txnID   string
	metrics *metrics
	health  *outage.Outage
}

// New checks cfg and returns a Processor. It connects to nothing yet. An error about the
// configuration is a *usage.Error that names the command's flag.
func New(cfg Config) (*Processor, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := newMetrics(cfg.Metrics)
	return &Processor{
		cfg:     cfg,
		windows: windows{int64(cfg.Window / time.Second), int64(cfg.Every / time.Second), cfg.Grace},
		txnID:   "sightlog." + cfg.Topic + "." + uuid.NewString(), // KIP-447: one for each producer, not for each partition
		metrics: m,
		health:  &outage.Outage{What: "the log", Log: cfg.Log, Waiting: m.waiting},
	}, nil
}

// Problems returns a line if the log cannot be used at present.
func (p *Processor) Problems() []string {
	if problem := p.health.Problem("occupancy"); problem != "" {
		return []string{problem}
	}
	return nil
}
