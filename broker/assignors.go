package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"

	"maps"
	"slices"
)

// assignRange gives each member, by id, a run of each topic's partitions.
func assignRange(subscriptions map[string][]*topic) map[string]partitionSet {
	out := map[string]partitionSet{}
	members := map[*topic][]string{}
	for _, id := range slices.Sorted(maps.Keys(subscriptions)) {
		out[id] = partitionSet{}
		for _, t := range subscriptions[id] {
			members[t] = append(members[t], id)
		}
	}
	for t, ids := range members {
		n := len(t.partitions())
		for i, id := range ids {
			for p := i * n / len(ids); p < (i+1)*n/len(ids); p++ {
				out[id][topicPartition{t.id, int32(p)}] = struct{}{}
			}
		}
	}
	return out
}

// assignUniform spreads the partitions evenly, moving as few as it can: each
// stays where it was, the rest goes to who has least, and then single
// partitions move while that makes two members more even.
func assignUniform(subscriptions map[string][]*topic, before map[string]partitionSet) map[string]partitionSet {
	out := map[string]partitionSet{}
	wants := map[wire.UUID][]string{} // members by topic, in order
	var all []topicPartition
	ids := slices.Sorted(maps.Keys(subscriptions))
	for _, id := range ids {
		out[id] = partitionSet{}
		for _, t := range subscriptions[id] {
			if wants[t.id] == nil {
				for _, p := range t.partitions() {
					all = append(all, topicPartition{t.id, p.index})
				}
			}
			wants[t.id] = append(wants[t.id], id)
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
