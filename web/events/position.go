package events

import (
	"encoding/base64"
	"encoding/binary"
	"slices"

	of "github.com/sightlog/sightlog/event" // event is a type here
	"github.com/sightlog/sightlog/kafka"
)

// topics are those of the log, and the kinds of their events. Their order is that of a
// position, so a new one comes last.
var topics = []topicOf{
	{kafka.Sightings, "sighting", of.SchemaSighting},
	{kafka.Crossings, "crossing", of.SchemaCrossing},
	{kafka.Visits, "visit", of.SchemaVisit},
}

// topicOf is a topic, and the kind and the schema header of its events.
type topicOf struct{ name, kind, schema string }

// position has for each topic and partition the offset of the next record.
//
// Its text is base64url of unsigned varints: for each topic the number of its partitions, and
// the offset of each.
type position [][]int64

// maxPartitions bounds a position that is read.
const maxPartitions = 10_000

func (p position) clone() position {
	c := make(position, len(p))
	for i := range p {
		c[i] = slices.Clone(p[i])
	}
	return c
}

func (p position) advance(topic int, partition int32, next int64) {
	if int(partition) < len(p[topic]) {
		p[topic][partition] = next
	}
}

func (p position) String() string {
	b := make([]byte, 0, 128)
	for _, partitions := range p {
		b = binary.AppendUvarint(b, uint64(len(partitions)))
		for _, offset := range partitions {
			b = binary.AppendUvarint(b, uint64(offset))
		}
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parsePosition reads the text of a position. One of other topics, or no position, is not ok.
func parsePosition(text string) (p position, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	next := func() int64 {
		v, n := binary.Uvarint(b)
		if ok = n > 0 && v < 1<<62; !ok {
			return 0
		}
		b = b[n:]
		return int64(v)
	}
	for range topics {
		n := next()
		if !ok || n > maxPartitions || n > int64(len(b)) {
			return nil, false
		}
		partitions := make([]int64, n)
		for i := range partitions {
			if partitions[i] = next(); !ok {
				return nil, false
			}
		}
		p = append(p, partitions)
	}
	return p, len(b) == 0
}
