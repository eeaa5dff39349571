package broker

import (
	"github.com/sightlog/sightlog/broker/internal/rows"

	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// groups is the set of groups with members. A group without members is nothing
// but the offsets that it committed, which the store has.
type groups struct {
	b *Broker

	mu        sync.Mutex // guards what follows; taken before a group's
	byName    map[string]*group
	consumers map[string]*consumerGroup
}

func newGroups(b *Broker) *groups {
	return &groups{b: b, byName: map[string]*group{}, consumers: map[string]*consumerGroup{}}
}

// lock returns the group with the name, locked, making it if make is set; or
// nil.
func (gs *groups) lock(name string, make bool) *group {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := gs.byName[name]
	if g == nil {
		if !make {
			return nil
		}
		g = newGroup(gs.b, name)
		gs.byName[name] = g
	}
	g.mu.Lock()
	return g
}

// lockConsumer returns the group of the consumer protocol with the name,
// locked, making it if make is set. A classic group makes way when it is empty.
func (gs *groups) lockConsumer(name string, make bool) (*consumerGroup, error) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := gs.consumers[name]
	if g == nil {
		if !make {
			return nil, kerr.UnknownMemberID
		}
		if classic := gs.byName[name]; classic != nil {
			classic.mu.Lock()
			empty := len(classic.members) == 0 && len(classic.promised) == 0
			classic.mu.Unlock()
			if !empty {
				return nil, kerr.GroupIDNotFound // it is of the other protocol
			}
			delete(gs.byName, name)
		}
		g = newConsumerGroup(gs.b, name)
		gs.consumers[name] = g
	}
	g.mu.Lock()
	return g, nil
}

// hasConsumers says whether a group of the consumer protocol has members, and
// forgets one that has not.
func (gs *groups) hasConsumers(name string) bool {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := gs.consumers[name]
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.members) == 0 {
		delete(gs.consumers, name)
		return false
	}
	return true
}

// checkCommit says whether a member may commit offsets to the group.
func (gs *groups) checkCommit(name, memberID string, instance *string, generation int32) error {
	if gs.hasConsumers(name) {
		if g, err := gs.lockConsumer(name, false); err == nil {
			defer g.mu.Unlock()
			return g.checkEpoch(memberID, generation)
		}
	}
	g := gs.lock(name, false)
	if g == nil {
		switch {
		case generation < 0:
			return nil
		case len(gs.b.store.Bucket(rows.OffsetsPrefix+name)) > 0: // the group is there, empty
			return kerr.UnknownMemberID
		}
		return kerr.IllegalGeneration
	}
	defer g.mu.Unlock()
	return g.checkCommit(memberID, instance, generation)
}

// all returns the groups with members.
func (gs *groups) all() []*group {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	out := make([]*group, 0, len(gs.byName))
	for _, g := range gs.byName {
		out = append(out, g)
	}
	return out
}

// committed returns the groups that have committed offsets.
func (gs *groups) committed() (out []string) {
	for _, bucket := range gs.b.store.Buckets() {
		if name, ok := strings.CutPrefix(bucket, rows.OffsetsPrefix); ok {
			out = append(out, name)
		}
	}
	return out
}

// forget drops the groups that are empty and have no offsets.
func (gs *groups) forget() {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	for name, g := range gs.byName {
		g.mu.Lock()
		if g.state == groupEmpty && len(g.promised) == 0 && len(gs.b.store.Bucket(rows.OffsetsPrefix+name)) == 0 {
			delete(gs.byName, name)
		}
		g.mu.Unlock()
	}
	for name, g := range gs.consumers {
		g.mu.Lock()
		if len(g.members) == 0 {
			delete(gs.consumers, name)
		}
		g.mu.Unlock()
	}
}

// allConsumers returns the groups of the consumer protocol.
func (gs *groups) allConsumers() []*consumerGroup {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	return slices.Collect(maps.Values(gs.consumers))
}

// checkGroupID says whether a request names a group.
func checkGroupID(name string) error {
	if name == "" {
		return kerr.InvalidGroupID
	}
	return nil
}
