package broker

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// A topic's retention.hold.groups are consumer groups that must have its records before
// retention removes them, such as the one of a mirror to another cluster. Their committed
// offsets do not expire.
//
// Retention by age waits for them as long as it takes. At retention.bytes, and the one
// segment more that any topic may have, the partition refuses writes with
// KAFKA_STORAGE_ERROR, as it does on a full disk, and clients retry. A topic without
// retention.bytes grows until the disk is full.

// heldFrom returns the offset from which on records of the partition are held, or nil if
// none are. A group that has committed nothing holds all.
func (b *Broker) heldFrom(p *partition, conf *topicConfig) *int64 {
	if len(conf.holders) == 0 {
		return nil
	}
	from := p.log.End()
	for _, g := range conf.holders {
		committed, ok := b.groups.Offset(g, rows.OffsetKey(p.topic.name, p.index))
		if !ok {
			committed.Offset = 0
		}
		from = min(from, committed.Offset)
	}
	return &from
}

// full reports whether the partition refuses writes because its records are held.
func (b *Broker) full(p *partition, conf *topicConfig) bool {
	if len(conf.holders) == 0 || !conf.expire || conf.retentionBytes < 0 || p.log.Size() < conf.retentionBytes {
		return false
	}
	return p.log.Full(storage.Retention{Bytes: conf.retentionBytes, Millis: -1, Hold: b.heldFrom(p, conf)})
}

// checkHold returns KAFKA_STORAGE_ERROR if the partition is full of records that are held.
func (b *Broker) checkHold(p *partition, conf *topicConfig) error {
	if !b.full(p, conf) {
		return nil
	}
	return fmt.Errorf("%w: %s", kerr.KafkaStorageError, p.holdProblem())
}

// holdProblem says in one line why the partition refuses writes.
func (p *partition) holdProblem() string {
	conf := p.topic.config.Load()
	return fmt.Sprintf("topic %s partition %d has the bytes of its retention.bytes (%d), and %s (its retention.hold.groups) has not read the oldest: writes wait for that",
		p.topic.name, p.index, conf.retentionBytes, strings.Join(conf.holders, ", "))
}

// fullOfHeld returns the partitions that refuse writes because their records are held.
func (b *Broker) fullOfHeld() (out []*partition) {
	for _, t := range b.topics.all() {
		conf := t.config.Load()
		for _, p := range t.partitions() {
			if b.full(p, conf) {
				out = append(out, p)
			}
		}
	}
	return out
}

// holders returns the groups that hold records of any topic.
func (b *Broker) holders() (groups []string) {
	for _, t := range b.topics.all() {
		groups = append(groups, t.config.Load().holders...)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}
