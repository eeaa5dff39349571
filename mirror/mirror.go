package mirror

import (
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightlog/sightlog/internal/outage"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Group is the default group of a mirror.
const Group = "sightlog-mirror"

// Topics returns the topics that are mirrored by default: those that the sinks read, and
// visits.
func Topics() []string { return append(kafka.Topics(), kafka.Visits) }

// Config of a Mirror. The zero value of every field but Source and Target is the default.
type Config struct {
	Source, Target kafka.Config
	Topics         []string // default Topics()
	Group          string   // default Group; names the mirror: two of one source need two
	Partitions     int32    // of the sightings where the target does not have them yet; default 8

	Drop     bool   // pass over records that the source's retention removed before they were mirrored
	Remirror bool   // mirror partitions from the start whose log is not the one of the position
	OtherLog string // what a user may do about such a log; default: add --remirror
	Once     bool   // Run returns when all is mirrored that the source had when it began

	Interval    time.Duration // between transactions, unless there is a backlog; default 200 ms
	MaxRecords  int           // of one transaction; default 2000
	StopTimeout time.Duration // for the transaction in progress when Run's context ends; default 3 s

	Log     *slog.Logger          // default: discard
	Metrics prometheus.Registerer // default: none
}

func (c Config) withDefaults() Config {
	if len(c.Topics) == 0 {
		c.Topics = Topics()
	}
	if c.Group == "" {
		c.Group = Group
	}
	if c.Partitions <= 0 {
		c.Partitions = 8
	}
	if c.MaxRecords <= 0 {
		c.MaxRecords = 2000
	}
	if c.Interval == 0 {
		c.Interval = 200 * time.Millisecond
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = 3 * time.Second
	}
	if c.OtherLog == "" {
		c.OtherLog = "add --remirror to mirror it from its beginning; no row comes twice"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// name is what Kafka allows for a topic; a group is a part of keys, so it is no more.
var name = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,200}$`)

func (c Config) check() error {
	if !name.MatchString(c.Group) {
		return usage.New("use up to 200 of a-z, A-Z, 0-9, '.', '_' and '-'", "--mirror-group %q", c.Group)
	}
	for _, t := range c.Topics {
		if !name.MatchString(t) || t == Positions || t == "." || t == ".." {
			return usage.New("name topics of the log", "--mirror-topics %q", t)
		}
	}
	return nil
}

// Mirror copies topics. Run is called once, and one goroutine owns all fields that change.
type Mirror struct {
	cfg            Config
	writer         string // this Mirror, in the positions that it writes
	metrics        *metrics
	source, target *outage.Outage

	acked   map[topicPartition]int64    // the positions of the last transaction of this Mirror
	dropped map[topicPartition]int64    // the starts up to which dropped records were counted
	goals   map[topicPartition]int64    // with Config.Once: the offsets to reach; nil before they are known
	held    []string                    // the topics whose retention.hold.groups were set
	noHold  bool                        // the source has no such setting
	cluster string                      // the id of the source
	foreign map[topicPartition]position // those whose record before is not the one that was mirrored
	records int                         // of the next transaction at most
}

// New checks cfg and returns a Mirror. It connects to nothing yet.
func New(cfg Config) (*Mirror, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	m := newMetrics(cfg.Metrics)
	return &Mirror{
		cfg: cfg, writer: uuid.NewString(), metrics: m, records: cfg.MaxRecords,
		source: &outage.Outage{What: "the source", Log: cfg.Log, Waiting: m.waiting.WithLabelValues("source")},
		target: &outage.Outage{What: "the target", Log: cfg.Log, Waiting: m.waiting.WithLabelValues("target")},
		acked:  make(map[topicPartition]int64), dropped: make(map[topicPartition]int64), foreign: make(map[topicPartition]position),
	}, nil
}

// Problems returns a line for each cluster that cannot be used at present.
func (m *Mirror) Problems() []string {
	lines := []string{m.source.Problem("the mirror"), m.target.Problem("the mirror")}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}
