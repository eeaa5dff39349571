package sink

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// State is the reason class of a partition that is not written at present.
type State string

// The states of a blocked partition. A partition that is written has none.
const (
	Waiting State = "waiting" // retried until the fault has passed
	Stopped State = "stopped" // only a user can fix it; lasts until the partition is assigned again
)

// PartitionState describes a partition that the sink cannot write at present.
// CaughtUp is no substitute: it counts offsets, and a stopped partition may have none
// left.
type PartitionState struct {
	Topic     string
	Partition int32
	State     State
	Reason    string // one line
	Since     time.Time

	last time.Time // when the fault was seen last
}

// String is one line: "sightings/3 stopped: the tables are at offset …".
func (p PartitionState) String() string {
	return fmt.Sprintf("%s/%d %s: %s", p.Topic, p.Partition, p.State, p.Reason)
}

// partitionStates are the blocked partitions of a sink and their metrics. Every
// change of a partition's state goes through block and unblock.
type partitionStates struct {
	gauges map[State]*prometheus.GaugeVec // 1 by topic and partition

	mu      sync.Mutex // guards the following
	blocked map[topicPartition]PartitionState
}

func newPartitionStates(gauges map[State]*prometheus.GaugeVec) *partitionStates {
	return &partitionStates{gauges: gauges, blocked: make(map[topicPartition]PartitionState)}
}

// block sets the state of a partition that is not written. It reports whether the
// state changed: only then it is logged. A stopped partition does not become a
// waiting one.
func (s *partitionStates) block(tp topicPartition, state State, reason string) (changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, blocked := s.blocked[tp]
	if blocked && was.State == Stopped && state == Waiting {
		return false
	}
	since := time.Now()
	if blocked && was.State == state {
		since = was.Since
	}
	s.blocked[tp] = PartitionState{Topic: tp.topic, Partition: tp.partition, State: state, Reason: reason, Since: since, last: time.Now()}
	s.show(tp)
	return !blocked || was.State != state
}

// unblock clears a partition's state if it is one of states.
func (s *partitionStates) unblock(tp topicPartition, states ...State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(states, s.blocked[tp].State) {
		delete(s.blocked, tp)
	}
	s.show(tp)
}

// unblockAfter clears the state Waiting if its fault has not occurred for quiet.
func (s *partitionStates) unblockAfter(tp topicPartition, quiet time.Duration) {
	s.mu.Lock()
	idle := time.Since(s.blocked[tp].last) > quiet
	s.mu.Unlock()
	if idle {
		s.unblock(tp, Waiting)
	}
}

// is reports whether a partition is in a state.
func (s *partitionStates) is(tp topicPartition, state State) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blocked[tp].State == state
}

// show sets the gauges of a partition. The caller holds mu.
func (s *partitionStates) show(tp topicPartition) {
	for state, gauge := range s.gauges {
		v := 0.0
		if s.blocked[tp].State == state {
			v = 1
		}
		gauge.WithLabelValues(tp.labels()...).Set(v)
	}
}

// forget removes a partition that is no longer assigned, with its metrics.
func (s *partitionStates) forget(tp topicPartition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.blocked, tp)
	for _, gauge := range s.gauges {
		gauge.DeleteLabelValues(tp.labels()...)
	}
}

func sortPartitions(all []PartitionState) {
	slices.SortFunc(all, func(a, b PartitionState) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
}
