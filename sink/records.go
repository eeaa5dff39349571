package sink

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/stream"
)

// place is a partition of a topic, by name.
type place struct {
	topic     string
	partition int32
}

func (p place) String() string { return fmt.Sprintf("%s/%d", p.topic, p.partition) }

// item is a record on its way: with a sighting, a crossing, a run, a reason to
// bury it, or none of these (a control record, or one that is buried): then it only moves
// the offset.
type item struct {
	place
	rec      *kgo.Record
	sighting *event.Sighting
	crossing *event.Crossing
	run      *event.Run
	batch    *unreadable // rec stands for a batch that could not be read
	bad      error       // why it is a dead letter, until it is buried
}

// empty turns the item into one that only moves the offset.
func (it *item) empty() { it.sighting, it.crossing, it.run, it.bad = nil, nil, nil, nil }

// decode reads a record by its schema header, and without one by its topic.
func decode(rec *kgo.Record) item {
	it := item{place: place{rec.Topic, rec.Partition}, rec: rec}
	if rec.Attrs.IsControl() {
		return it
	}
	schema := header(rec, event.HeaderSchema)
	switch {
	case schema == nil && rec.Topic == stream.Runs:
		schema = []byte(event.SchemaRun)
	case schema == nil && rec.Topic == stream.Crossings:
		schema = []byte(event.SchemaCrossing)
	}
	switch {
	case schema == nil, bytes.Equal(schema, []byte(event.SchemaSighting)):
		it.sighting, it.bad = event.DecodeSighting(rec.Value)
	case bytes.Equal(schema, []byte(event.SchemaCrossing)):
		it.crossing, it.bad = event.DecodeCrossing(rec.Value)
	case bytes.Equal(schema, []byte(event.SchemaRun)):
		if rec.Value == nil {
			return it // a tombstone of a compacted topic: the run is forgotten there, not here
		}
		it.run, it.bad = event.DecodeRun(rec.Value)
	default:
		it.bad = fmt.Errorf("schema %.80q is not known", schema)
	}
	it.checkKey()
	return it
}

// errKey is why a record with a key of something else is a dead letter: it is
// in a partition where others are, and out of their order.
type errKey struct{ key, of string }

func (e errKey) Error() string {
	return fmt.Sprintf("the record's key is %.80q, its content is of %q", e.key, e.of)
}

// checkKey makes a record bad whose key, if it has one, is not what its content
// belongs to.
func (it *item) checkKey() {
	var of string
	switch {
	case it.sighting != nil:
		of = it.sighting.Camera
	case it.crossing != nil:
		of = it.crossing.Camera
	case it.run != nil:
		of = it.run.ID
	default:
		return
	}
	if it.bad == nil && it.rec.Key != nil && string(it.rec.Key) != of {
		it.bad = errKey{string(it.rec.Key), of}
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

// move is the offset of one partition before and after a transaction.
type move struct {
	place
	from, to int64
	last     *kgo.Record // before to; nil where it could not be read
}

// placesOf returns the partitions of moves.
func placesOf(ms []move) []place {
	places := make([]place, len(ms))
	for i, m := range ms {
		places[i] = m.place
	}
	return places
}

// moves returns how items, which hold each partition's records in order, move
// the positions.
func moves(items []item, at map[place]position) []move {
	var ms []move
	index := make(map[place]int, 8)
	for _, it := range items {
		i, ok := index[it.place]
		if !ok {
			i = len(ms)
			index[it.place] = i
			ms = append(ms, move{place: it.place, from: at[it.place].next})
		}
		ms[i].to, ms[i].last = it.rec.Offset+1, it.rec
		if it.batch != nil {
			ms[i].last = nil
		}
	}
	return ms
}
