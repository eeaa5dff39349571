package broker

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// brokerSetting is a setting of the broker that is given when it starts.
type brokerSetting struct {
	kind  kmsg.ConfigType
	check func(string) error
	get   func(*Config) string
	set   func(c *Config, value string) // value has passed check
	doc   string
}

// brokerSettings are the settings of a Config by the names that Kafka has for them.
var brokerSettings = map[string]brokerSetting{
	"auto.create.topics.enable": {
		boolean, oneOf("true", "false"),
		func(c *Config) string { return strconv.FormatBool(!c.NoAutoCreate) },
		func(c *Config, v string) { c.NoAutoCreate = v == "false" },
		"topics that clients ask for are created",
	},
	"fetch.max.bytes":                      integerSetting(1024, func(c *Config) *int { return &c.MaxFetchBytes }, "most bytes of records in a fetch response"),
	"group.consumer.heartbeat.interval.ms": millisSetting(100, func(c *Config) *time.Duration { return &c.GroupConsumerHeartbeat }, "time between the heartbeats that members of consumer groups are asked for"),
	"group.consumer.session.timeout.ms":    millisSetting(1000, func(c *Config) *time.Duration { return &c.GroupConsumerSession }, "after which a member of a consumer group that sends no heartbeat is removed"),
	"group.initial.rebalance.delay.ms":     millisSetting(0, func(c *Config) *time.Duration { return &c.GroupInitialDelay }, "how long a classic group that was empty waits for more members"),
	"group.max.session.timeout.ms":         millisSetting(1, func(c *Config) *time.Duration { return &c.GroupMaxSession }, "longest session that a member of a classic group may ask for"),
	"group.min.session.timeout.ms":         millisSetting(1, func(c *Config) *time.Duration { return &c.GroupMinSession }, "shortest session that a member of a classic group may ask for"),
	"log.retention.check.interval.ms":      millisSetting(1, func(c *Config) *time.Duration { return &c.CleanInterval }, "time between passes of retention and compaction"),
	"max.connections":                      integerSetting(0, func(c *Config) *int { return &c.MaxConnections }, "most connections; 0: no limit"),
	"node.id": {
		integer, between(0, math.MaxInt32),
		func(c *Config) string { return strconv.Itoa(int(c.NodeID)) },
		func(c *Config, v string) { c.NodeID = int32(number(v)) },
		"id of the one node",
	},
	"num.partitions": integerSetting(1, func(c *Config) *int { return &c.DefaultPartitions }, "partitions of topics that are created without a number"),
	"offsets.retention.minutes": {
		integer, atLeast(1),
		func(c *Config) string { return strconv.FormatInt(int64(c.OffsetRetention/time.Minute), 10) },
		func(c *Config, v string) { c.OffsetRetention = time.Duration(number(v)) * time.Minute },
		"after which the offsets of a group without members expire",
	},
	"socket.request.max.bytes":   integerSetting(1024, func(c *Config) *int { return &c.MaxRequestBytes }, "largest request that is read"),
	"transaction.max.timeout.ms": millisSetting(1, func(c *Config) *time.Duration { return &c.MaxTxnTimeout }, "longest timeout of a transaction"),
}

func integerSetting(low int64, field func(*Config) *int, doc string) brokerSetting {
	return brokerSetting{
		integer, between(low, math.MaxInt32),
		func(c *Config) string { return strconv.Itoa(*field(c)) },
		func(c *Config, v string) { *field(c) = int(number(v)) }, doc,
	}
}

func millisSetting(low int64, field func(*Config) *time.Duration, doc string) brokerSetting {
	return brokerSetting{
		long, between(low, math.MaxInt64/int64(time.Millisecond)),
		func(c *Config) string { return strconv.FormatInt(field(c).Milliseconds(), 10) },
		func(c *Config, v string) { *field(c) = time.Duration(number(v)) * time.Millisecond }, doc,
	}
}

// topicDefaults are the settings of the broker that are the defaults of its topics, and
// the topic settings that they are defaults of. They can be altered while it runs.
var topicDefaults = map[string]string{
	"compression.gzip.level":              "compression.gzip.level",
	"compression.lz4.level":               "compression.lz4.level",
	"compression.type":                    "compression.type",
	"compression.zstd.level":              "compression.zstd.level",
	"log.cleaner.delete.retention.ms":     "delete.retention.ms",
	"log.cleaner.max.compaction.lag.ms":   "max.compaction.lag.ms",
	"log.cleaner.min.cleanable.ratio":     "min.cleanable.dirty.ratio",
	"log.cleaner.min.compaction.lag.ms":   "min.compaction.lag.ms",
	"log.cleanup.policy":                  "cleanup.policy",
	"log.flush.interval.messages":         "flush.messages",
	"log.flush.interval.ms":               "flush.ms",
	"log.index.interval.bytes":            "index.interval.bytes",
	"log.index.size.max.bytes":            "segment.index.bytes",
	"log.message.timestamp.after.max.ms":  "message.timestamp.after.max.ms",
	"log.message.timestamp.before.max.ms": "message.timestamp.before.max.ms",
	"log.message.timestamp.type":          "message.timestamp.type",
	"log.preallocate":                     "preallocate",
	"log.retention.bytes":                 "retention.bytes",
	"log.retention.ms":                    "retention.ms",
	"log.roll.jitter.ms":                  "segment.jitter.ms",
	"log.roll.ms":                         "segment.ms",
	"log.segment.bytes":                   "segment.bytes",
	"log.segment.delete.delay.ms":         "file.delete.delay.ms",
	"message.max.bytes":                   "max.message.bytes",
	"min.insync.replicas":                 "min.insync.replicas",
	"unclean.leader.election.enable":      "unclean.leader.election.enable",
}

// inMillis are settings that say in another unit what one in milliseconds says. That one,
// and then the finer unit, wins, as with Kafka.
var inMillis = []struct {
	name, millis string
	unit         time.Duration
}{
	{"log.retention.minutes", "log.retention.ms", time.Minute},
	{"log.retention.hours", "log.retention.ms", time.Hour},
	{"log.roll.hours", "log.roll.ms", time.Hour},
}

// SettingNames returns the names that Configure takes.
func SettingNames() []string {
	names := slices.Concat(slices.Collect(maps.Keys(brokerSettings)), slices.Collect(maps.Keys(topicDefaults)), []string{"broker.id"})
	for _, s := range inMillis {
		names = append(names, s.name)
	}
	slices.Sort(names)
	return names
}

// SettingError says which setting Configure refuses, and why.
type SettingError struct {
	Name   string
	Reason error
}

func (e *SettingError) Error() string { return fmt.Sprintf("%s: %v", e.Name, e.Reason) }

func (e *SettingError) Unwrap() error { return e.Reason }

// ErrUnknownSetting says that Kafka's brokers may have the setting, but not this one.
var ErrUnknownSetting = errors.New("no setting of this broker")

// Configure sets what the settings say, by the names that they have in a configuration file
// of Kafka: num.partitions, log.retention.ms and so on. It returns an *SettingError for one
// that is unknown or has a wrong value.
func (c *Config) Configure(settings map[string]string) error {
	settings = maps.Clone(settings)
	if id, given := settings["broker.id"]; given {
		delete(settings, "broker.id")
		settings["node.id"] = id
	}
	for _, s := range inMillis {
		v, given := settings[s.name]
		if !given {
			continue
		}
		delete(settings, s.name)
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < -1 || n > math.MaxInt64/s.unit.Milliseconds() {
			return &SettingError{s.name, errors.New("want a whole number")}
		}
		if _, finer := settings[s.millis]; !finer {
			settings[s.millis] = strconv.FormatInt(max(-1, n*s.unit.Milliseconds()), 10)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if err := c.setOne(name, strings.TrimSpace(settings[name])); err != nil {
			return &SettingError{name, err}
		}
	}
	return nil
}

func (c *Config) setOne(name, value string) error {
	if topic, ok := topicDefaults[name]; ok {
		if check := topicSettings[topic].check; check != nil {
			if err := check(value); err != nil {
				return err
			}
		}
		if c.TopicDefaults == nil {
			c.TopicDefaults = map[string]string{}
		}
		c.TopicDefaults[topic] = value
		return nil
	}
	s, known := brokerSettings[name]
	if !known {
		return ErrUnknownSetting
	}
	if err := s.check(value); err != nil {
		return err
	}
	s.set(c, value)
	return nil
}
