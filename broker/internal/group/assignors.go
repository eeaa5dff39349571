package group

import (
	"maps"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/wire"
)

// The assignors, by the names that members ask for.
const (
	assignorUniform = "uniform"
	assignorRange   = "range"
)

// topicPartition names a partition by its topic's id.
type topicPartition struct {
	topic wire.UUID
	index int32
}

type partitionSet map[topicPartition]struct{}

// byTopic returns the partitions in order, by their topics.
func (s partitionSet) byTopic() map[wire.UUID][]int32 {
	out := map[wire.UUID][]int32{}
	for tp := range s {
		out[tp.topic] = append(out[tp.topic], tp.index)
	}
	for _, partitions := range out {
		slices.Sort(partitions)
	}
	return out
}

// assignRange assigns each member, in the order of the ids, a contiguous range of the
// partitions of each of its topics.
func assignRange(subscriptions map[string][]Topic) map[string]partitionSet {
	out := map[string]partitionSet{}
	members := map[Topic][]string{}
	for _, id := range slices.Sorted(maps.Keys(subscriptions)) {
		out[id] = partitionSet{}
		for _, t := range subscriptions[id] {
			members[t] = append(members[t], id)
		}
	}
	for t, ids := range members {
		n := t.Partitions
		for i, id := range ids {
			for p := i * n / len(ids); p < (i+1)*n/len(ids); p++ {
				out[id][topicPartition{t.ID, int32(p)}] = struct{}{}
			}
		}
	}
	return out
}

// assignUniform spreads the partitions evenly and moves as few as it can: a partition
// stays with the member that had it before, a free one is assigned to the member with
// the fewest, and then single partitions move as long as that makes two members more
// even.
func assignUniform(subscriptions map[string][]Topic, before map[string]partitionSet) map[string]partitionSet {
	out := map[string]partitionSet{}
	wants := map[wire.UUID][]string{} // members by topic, in order
	var all []topicPartition
	ids := slices.Sorted(maps.Keys(subscriptions))
	for _, id := range ids {
		out[id] = partitionSet{}
		for _, t := range subscriptions[id] {
			if wants[t.ID] == nil {
				for p := range t.Partitions {
					all = append(all, topicPartition{t.ID, int32(p)})
				}
			}
			wants[t.ID] = append(wants[t.ID], id)
		}
	}
	var free []topicPartition
	for _, tp := range all {
		kept := false
		for _, id := range wants[tp.topic] {
			if _, had := before[id][tp]; had {
				out[id][tp] = struct{}{}
				kept = true
				break
			}
		}
		if !kept {
			free = append(free, tp)
		}
	}
	least := func(tp topicPartition) string {
		return slices.MinFunc(wants[tp.topic], func(a, b string) int { return len(out[a]) - len(out[b]) })
	}
	for _, tp := range free {
		out[least(tp)][tp] = struct{}{}
	}
	for moved := true; moved; {
		moved = false
		for _, id := range ids {
			for _, tp := range all {
				if _, has := out[id][tp]; !has {
					continue
				}
				if to := least(tp); len(out[id]) > len(out[to])+1 {
					delete(out[id], tp)
					out[to][tp] = struct{}{}
					moved = true
				}
			}
		}
	}
	return out
}
