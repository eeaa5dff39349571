package broker

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// topicConfig is a topic's settings: those that were set, and their effective values.
type topicConfig struct {
	set map[string]string // without the defaults

	maxMessageBytes  int
	logAppendTime    bool
	timeAfterMax     int64 // ms that a record may be ahead of the clock
	timeBeforeMax    int64 // ms that it may be behind
	segmentBytes     int64
	segmentMillis    int64
	retentionBytes   int64    // -1: no limit
	retentionMillis  int64    // -1: no limit
	compact, expire  bool     // cleanup.policy
	holders          []string // consumer groups; records that one has not committed do not expire
	deleteRetention  int64    // ms for which tombstones are retained
	minCompactionLag int64    // ms
	minDirtyRatio    float64
	codec            int16 // of stored batches; asProduced
	codecLevel       int
}

// asProduced is the codec of compression.type producer.
const asProduced = -1

// setting describes one topic setting.
type setting struct {
	kind  kmsg.ConfigType
	value string // the default
	check func(string) error
	doc   string
}

// The types of settings.
const (
	boolean = kmsg.ConfigTypeBoolean
	integer = kmsg.ConfigTypeInt
	long    = kmsg.ConfigTypeLong
	double  = kmsg.ConfigTypeDouble
	text    = kmsg.ConfigTypeString
	list    = kmsg.ConfigTypeList
)

// unlimited is the largest value of a long.
const unlimited = "9223372036854775807"

// topicSettings are the settings that a topic may have. Those that a single node which
// never loses acknowledged writes has no use for are stored, so that tools which set
// them work, and have no effect.
var topicSettings = map[string]setting{
	"cleanup.policy":                          {list, "delete", listOf("delete", "compact"), "delete old segments, compact by key, both, or neither if empty"},
	"compression.gzip.level":                  {integer, "-1", levelOf("gzip", -1, 1, 9), "level of compression.type gzip; -1: the library's"},
	"compression.lz4.level":                   {integer, "9", levelOf("lz4", 9, 1, 17), "level of compression.type lz4, in ten steps"},
	"compression.type":                        {text, "producer", oneOf("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"), "producer: batches are stored as they come; otherwise they are compressed anew unless they have this codec"},
	"compression.zstd.level":                  {integer, "3", levelOf("zstd", 3, -131072, 22), "level of compression.type zstd, in four steps"},
	"delete.retention.ms":                     {long, "86400000", atLeast(0), "how long compaction retains tombstones"},
	"file.delete.delay.ms":                    {long, "60000", atLeast(0), "no effect"},
	"flush.messages":                          {long, unlimited, atLeast(1), "no effect: the broker's flush policy decides"},
	"flush.ms":                                {long, unlimited, atLeast(0), "no effect: the broker's flush policy decides"},
	"index.interval.bytes":                    {integer, "4096", atLeast(0), "no effect"},
	"max.compaction.lag.ms":                   {long, unlimited, atLeast(1), "no effect"},
	"max.message.bytes":                       {integer, "1048588", atLeast(0), "largest record batch"},
	"message.timestamp.after.max.ms":          {long, "3600000", atLeast(0), "how far a batch's latest record may be ahead of the clock"},
	"message.timestamp.before.max.ms":         {long, unlimited, atLeast(0), "how far a batch's first record may be behind the clock"},
	"message.timestamp.type":                  {text, "CreateTime", oneOf("CreateTime", "LogAppendTime"), "whose clock stamps records"},
	"min.cleanable.dirty.ratio":               {double, "0.5", ratio, "how much of a log is new before it is compacted"},
	"min.compaction.lag.ms":                   {long, "0", atLeast(0), "how long a record is safe from compaction"},
	"min.insync.replicas":                     {integer, "1", atLeast(1), "no effect: there is one replica"},
	"preallocate":                             {boolean, "false", oneOf("true", "false"), "no effect: segments are preallocated step by step"},
	"retention.bytes":                         {long, "-1", atLeast(-1), "size of a partition above which old segments are removed"},
	"retention.ms":                            {long, "604800000", atLeast(-1), "age above which segments are removed"},
	"segment.bytes":                           {integer, "1073741824", atLeast(14), "size of a segment"},
	"segment.index.bytes":                     {integer, "10485760", atLeast(4), "no effect"},
	"segment.jitter.ms":                       {long, "0", atLeast(0), "no effect"},
	"segment.ms":                              {long, "604800000", atLeast(1), "age at which a new segment begins"},
	"unclean.leader.election.enable":          {boolean, "false", oneOf("true", "false"), "no effect: there is one replica"},
	"follower.replication.throttled.replicas": {list, "", nil, "no effect"},
	"leader.replication.throttled.replicas":   {list, "", nil, "no effect"},
	"local.retention.bytes":                   {long, "-2", atLeast(-2), "no effect"},
	"local.retention.ms":                      {long, "-2", atLeast(-2), "no effect"},
	"retention.hold.groups":                   {list, "", nil, "consumer groups for which records are retained until they have committed them; at retention.bytes writes are refused instead"},
	"remote.log.copy.disable":                 {boolean, "false", oneOf("true", "false"), "no effect: there is no tiered storage"},
	"remote.log.delete.on.disable":            {boolean, "false", oneOf("true", "false"), "no effect: there is no tiered storage"},
	"remote.storage.enable":                   {boolean, "false", oneOf("false"), "there is no tiered storage"},
}

func atLeast(low int64) func(string) error {
	return func(v string) error {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < low {
			return fmt.Errorf("want a whole number of at least %d", low)
		}
		return nil
	}
}

func between(low, high int64) func(string) error {
	return func(v string) error {
		if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < low || n > high {
			return fmt.Errorf("want a whole number from %d to %d", low, high)
		}
		return nil
	}
}

// number is the whole number that a check has passed.
func number(v string) int64 {
	n, _ := strconv.ParseInt(v, 10, 64)
	return n
}

func oneOf(choices ...string) func(string) error {
	return func(v string) error {
		if !slices.Contains(choices, v) {
			return fmt.Errorf("want %s", strings.Join(choices, " or "))
		}
		return nil
	}
}

func listOf(choices ...string) func(string) error {
	return func(v string) error {
		if strings.TrimSpace(v) == "" {
			return nil
		}
		for item := range strings.SplitSeq(v, ",") {
			if err := oneOf(choices...)(strings.TrimSpace(item)); err != nil {
				return err
			}
		}
		return nil
	}
}

// splitList returns the items of a list setting.
func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// levelOf allows a codec's levels, and the value that stands for its default.
func levelOf(codec string, byDefault, low, high int) func(string) error {
	return func(v string) error {
		if n, err := strconv.Atoi(v); err != nil || n != byDefault && (n < low || n > high) {
			return fmt.Errorf("want a level of %s, %d to %d, or %d", codec, low, high, byDefault)
		}
		return nil
	}
}

func ratio(v string) error {
	if f, err := strconv.ParseFloat(v, 64); err != nil || f < 0 || f > 1 || math.IsNaN(f) {
		return fmt.Errorf("want a number from 0 to 1")
	}
	return nil
}

// topicSetting returns the setting with the name, or INVALID_CONFIG.
func topicSetting(name string) (setting, error) {
	s, known := topicSettings[name]
	if !known {
		return s, fmt.Errorf("%w: unknown topic setting %q", kerr.InvalidConfig, name)
	}
	return s, nil
}

// checkSetting returns INVALID_CONFIG unless a topic may have the setting.
func checkSetting(name, value string) error {
	s, err := topicSetting(name)
	if err != nil {
		return err
	}
	return s.valid(name, value)
}

// valid returns INVALID_CONFIG unless the setting may have the value.
func (s setting) valid(name, value string) error {
	if s.check == nil {
		return nil
	}
	if err := s.check(value); err != nil {
		return fmt.Errorf("%w: invalid value %q for %s: %w", kerr.InvalidConfig, value, name, err)
	}
	return nil
}

// checkTimestamps returns INVALID_TIMESTAMP unless the topic's limits allow the batch's
// first and latest timestamps (KIP-937). Those between are not checked.
func (c *topicConfig) checkTimestamps(batch storage.Batch) error {
	if c.logAppendTime || c.timeAfterMax == math.MaxInt64 && c.timeBeforeMax == math.MaxInt64 {
		return nil
	}
	const noTime = -1
	now := time.Now().UnixMilli()
	switch {
	case batch.MaxTime() > now && batch.MaxTime()-now > c.timeAfterMax:
		return fmt.Errorf("%w: %d ms is more than %d ms ahead of the broker's clock", kerr.InvalidTimestamp, batch.MaxTime(), c.timeAfterMax)
	case batch.FirstTime() != noTime && batch.FirstTime() < now-c.timeBeforeMax:
		return fmt.Errorf("%w: %d ms is more than %d ms behind the broker's clock", kerr.InvalidTimestamp, batch.FirstTime(), c.timeBeforeMax)
	}
	return nil
}

// newTopicConfig interprets settings that checkSetting has passed, and those that a topic
// has by default.
func newTopicConfig(set, defaults map[string]string) *topicConfig {
	get := func(name string) string {
		if v, ok := set[name]; ok {
			return v
		}
		if v, ok := defaults[name]; ok {
			return v
		}
		return topicSettings[name].value
	}
	num := func(name string) int64 { return number(get(name)) }
	c := &topicConfig{
		set:              maps.Clone(set),
		maxMessageBytes:  int(num("max.message.bytes")),
		logAppendTime:    get("message.timestamp.type") == "LogAppendTime",
		timeAfterMax:     num("message.timestamp.after.max.ms"),
		timeBeforeMax:    num("message.timestamp.before.max.ms"),
		segmentBytes:     num("segment.bytes"),
		segmentMillis:    num("segment.ms"),
		retentionBytes:   num("retention.bytes"),
		retentionMillis:  num("retention.ms"),
		deleteRetention:  num("delete.retention.ms"),
		minCompactionLag: num("min.compaction.lag.ms"),
	}
	c.holders = splitList(get("retention.hold.groups"))
	c.minDirtyRatio, _ = strconv.ParseFloat(get("min.cleanable.dirty.ratio"), 64)
	c.codec, c.codecLevel = asProduced, storage.DefaultLevel
	if name := get("compression.type"); name != "producer" {
		c.codec = storage.Codecs[name]
		if s, has := topicSettings["compression."+name+".level"]; has && get("compression."+name+".level") != s.value {
			c.codecLevel = int(num("compression." + name + ".level"))
		}
	}
	for _, policy := range splitList(get("cleanup.policy")) {
		switch policy {
		case "compact":
			c.compact = true
		case "delete":
			c.expire = true
		}
	}
	return c
}
