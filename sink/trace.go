package sink

import (
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/tracing"
)

// traced returns the sightings of a transaction that are traced, and their trace ids by the
// index in Commit.EndToEnd; nothing if the sink does not trace.
func (s *Sink) traced(items []entry) (stored []tracing.Stored, ids map[int]string) {
	if s.cfg.Tracer == nil {
		return nil, nil
	}
	n := -1
	for _, it := range items {
		if it.sighting == nil {
			continue
		}
		if !it.sighting.GrabbedAt.IsZero() {
			n++
		}
		parent := kafka.TraceOf(it.rec)
		if !parent.IsSampled() {
			continue
		}
		stored = append(stored, tracing.Stored{Parent: parent, Topic: it.topic, Partition: it.partition, Offset: it.rec.Offset})
		if !it.sighting.GrabbedAt.IsZero() {
			if ids == nil {
				ids = make(map[int]string)
			}
			ids[n] = parent.TraceID().String()
		}
	}
	return stored, ids
}
