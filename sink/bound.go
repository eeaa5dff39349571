package sink

import "sync"

// Bound is how far a replay goes: the stored offset of each partition of other tables.
// Partitions that are not in it are not replayed.
type Bound map[topicPartition]int64

// bounded keeps a Sink within a Bound. A nil one has none.
type bounded struct {
	ends Bound

	mu     sync.Mutex              // guards the following
	passed map[topicPartition]bool // those of which all that is before the end has been written
}

func newBounded(ends Bound) *bounded {
	return &bounded{ends: ends, passed: make(map[topicPartition]bool)}
}

func (b *bounded) beyond(tp topicPartition, offset int64) bool {
	return b != nil && offset >= b.ends[tp]
}

// pass is called when the next record of a partition is beyond its end: the log may have none just before that.
func (b *bounded) pass(tp topicPartition) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.passed[tp] = true
}

// reached reports whether a partition, whose next record to write is next or later, is at its end.
func (b *bounded) reached(tp topicPartition, next int64) bool {
	if b == nil {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.passed[tp] || next >= b.ends[tp]
}
