package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// topicPartition names a partition of a topic.
type topicPartition struct {
	topic     string
	partition int32
}

func (p topicPartition) String() string { return fmt.Sprintf("%s/%d", p.topic, p.partition) }

// entry is a decoded record. It has one of: a sighting, a crossing, a run, a snapshot, one to erase, a cause to
// reject it; or none, and then it only advances the offset: a control record, or one
// whose dead letter has been acknowledged.
type entry struct {
	topicPartition
	rec         *kgo.Record
	sighting    *event.Sighting
	crossing    *event.Crossing
	run         *event.Run
	snapshot    *event.Snapshot
	erased      *event.Snapshot // whose row is deleted
	batch       *unreadable     // rec stands for a batch that could not be read
	compared    bool            // a sighting that is not in the tables, as compareEvents found
	rejectCause error           // of its dead letter; nil once that is acknowledged
}

// empty turns the entry into one that only advances the offset.
func (it *entry) empty() {
	*it = entry{topicPartition: it.topicPartition, rec: it.rec, batch: it.batch, compared: it.compared}
}

// decode reads a record by its schema header, and without one by its topic. An error means that
// the schema registry cannot be used, or that ctx has ended.
func decode(ctx context.Context, schemas *schema.Codec, rec *kgo.Record) (entry, error) {
	it := entry{topicPartition: topicPartition{rec.Topic, rec.Partition}, rec: rec}
	if rec.Attrs.IsControl() {
		return it, nil
	}
	it.decode(ctx, schemas)
	if err := it.rejectCause; errors.Is(err, schema.ErrUnavailable) || err != nil && ctx.Err() != nil {
		return entry{}, err
	}
	it.checkKey()
	return it, nil
}

func (it *entry) decode(ctx context.Context, schemas *schema.Codec) {
	rec := it.rec
	name := header(rec, event.HeaderSchema)
	switch {
	case name == nil && rec.Topic == kafka.Runs:
		name = []byte(event.SchemaRun)
	case name == nil && rec.Topic == kafka.Crossings:
		name = []byte(event.SchemaCrossing)
	case name == nil && rec.Topic == kafka.SnapshotTopic:
		name = []byte(event.SchemaSnapshot)
	}
	switch {
	case name == nil, bytes.Equal(name, []byte(event.SchemaSighting)):
		it.sighting, it.rejectCause = schemas.Sighting(ctx, rec.Value)
	case bytes.Equal(name, []byte(event.SchemaCrossing)):
		it.crossing, it.rejectCause = schemas.Crossing(ctx, rec.Value)
	case bytes.Equal(name, []byte(event.SchemaRun)):
		if rec.Value == nil {
			return // a tombstone of a compacted topic: the tables keep the run
		}
		it.run, it.rejectCause = event.DecodeRun(rec.Value)
	case bytes.Equal(name, []byte(event.SchemaSnapshot)):
		if rec.Value == nil {
			it.erased, it.rejectCause = event.ParseSnapshotKey(string(rec.Key))
			return
		}
		it.snapshot, it.rejectCause = event.DecodeSnapshot(rec.Value)
	default:
		it.rejectCause = fmt.Errorf("schema %.80q is unknown", name)
	}
}

// errKey rejects a record whose key does not match its content: it is in another
// partition than the records that it belongs to, and out of order with them.
type errKey struct{ key, of string }

func (e errKey) Error() string {
	return fmt.Sprintf("the record's key is %.80q, its content is of %q", e.key, e.of)
}

// checkKey rejects a record whose key, if it has one, does not match its content.
func (it *entry) checkKey() {
	var of string
	switch {
	case it.sighting != nil:
		of = it.sighting.Camera
	case it.crossing != nil:
		of = it.crossing.Camera
	case it.run != nil:
		of = it.run.ID
	case it.snapshot != nil:
		of = it.snapshot.Key()
	default:
		return
	}
	if it.rejectCause == nil && it.rec.Key != nil && string(it.rec.Key) != of {
		it.rejectCause = errKey{string(it.rec.Key), of}
	}
}

func header(rec *kgo.Record, key string) []byte {
	for _, h := range rec.Headers {
		if h.Key == key {
			return h.Value
		}
	}
	return nil
}

// offsetAdvance is the stored offset of one partition before and after a
// transaction.
type offsetAdvance struct {
	topicPartition
	from, to int64
	last     *kgo.Record // before to; nil where it could not be read
}

// partitionsOf returns the partitions of ms.
func partitionsOf(ms []offsetAdvance) []topicPartition {
	partitions := make([]topicPartition, len(ms))
	for i, m := range ms {
		partitions[i] = m.topicPartition
	}
	return partitions
}

// advances returns how entries, in which each partition's records are in order,
// advance the positions.
func advances(items []entry, at map[topicPartition]position) []offsetAdvance {
	var ms []offsetAdvance
	index := make(map[topicPartition]int, 8)
	for _, it := range items {
		i, ok := index[it.topicPartition]
		if !ok {
			i = len(ms)
			index[it.topicPartition] = i
			ms = append(ms, offsetAdvance{topicPartition: it.topicPartition, from: at[it.topicPartition].next})
		}
		ms[i].to, ms[i].last = it.rec.Offset+1, it.rec
		if it.batch != nil {
			ms[i].last = nil
		}
	}
	return ms
}

// labels of a partition.
func (p topicPartition) labels() []string { return []string{p.topic, strconv.Itoa(int(p.partition))} }

// errOtherContent rejects a sighting that could be stored but for an earlier one.
var errOtherContent = errors.New("the tables hold this event with other content")

// unreadable is a batch that the client cannot read. its entry advances the offset
// over all of it, and its dead letter has the raw batch.
type unreadable struct {
	first, last int64
	raw         []byte // the batch, or nil if it could not be fetched
}
