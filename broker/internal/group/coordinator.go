package group

import (
	"maps"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
)

// Coordinator has the groups in memory, of both protocols: those with members, and those
// that had some and have offsets, or until the next ExpireOffsets. After a restart a group
// without members is nothing but the offsets that it committed, which the store has, and
// counts as classic. At most one of the two maps has a group of a name with members.
type Coordinator struct {
	offsets
	opt Options

	mu        sync.Mutex // guards the following; taken before a group's mu
	classic   map[string]*classicGroup
	consumers map[string]*consumerGroup
}

// New returns a coordinator without groups: after a restart members join again.
func New(opt Options) *Coordinator {
	return &Coordinator{offsets: offsets{opt.Store}, opt: opt, classic: map[string]*classicGroup{}, consumers: map[string]*consumerGroup{}}
}

// lock returns the classic group with the name, locked, or nil.
func (c *Coordinator) lock(name string) *classicGroup {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.classic[name]
	if g != nil {
		g.mu.Lock()
	}
	return g
}

// lockToJoin returns the classic group with the name, locked, for a member that
// joins: INCONSISTENT_GROUP_PROTOCOL if a group of the consumer protocol has members,
// UNKNOWN_MEMBER_ID if the group does not exist and create is false. It replaces a group
// of the consumer protocol that is empty.
func (c *Coordinator) lockToJoin(name string, create bool) (*classicGroup, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hasConsumers(name) {
		return nil, kerr.InconsistentGroupProtocol
	}
	g := c.classic[name]
	if g == nil {
		if !create {
			return nil, kerr.UnknownMemberID
		}
		g = newClassicGroup(&c.opt, name)
		c.classic[name] = g
		delete(c.consumers, name)
	}
	g.mu.Lock()
	return g, nil
}

// lockConsumer returns the group of the consumer protocol with the name, locked:
// UNKNOWN_MEMBER_ID if there is none.
func (c *Coordinator) lockConsumer(name string) (*consumerGroup, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.consumers[name]
	if g == nil {
		return nil, kerr.UnknownMemberID
	}
	g.mu.Lock()
	return g, nil
}

// lockOrCreateConsumer is lockConsumer for a group that is created if it does not
// exist. It replaces a classic group that is empty; for one that is not it returns
// GROUP_ID_NOT_FOUND.
func (c *Coordinator) lockOrCreateConsumer(name string) (*consumerGroup, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.consumers[name]
	if g == nil {
		if classic := c.classic[name]; classic != nil {
			classic.mu.Lock()
			empty := len(classic.members) == 0 && len(classic.pending) == 0
			classic.mu.Unlock()
			if !empty {
				return nil, kerr.GroupIDNotFound
			}
			delete(c.classic, name)
		}
		g = newConsumerGroup(&c.opt, name)
		c.consumers[name] = g
	}
	g.mu.Lock()
	return g, nil
}

// HasConsumers reports whether a group of the consumer protocol has members.
func (c *Coordinator) HasConsumers(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hasConsumers(name)
}

// hasConsumers is HasConsumers with mu held.
func (c *Coordinator) hasConsumers(name string) bool {
	g := c.consumers[name]
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.members) > 0
}

// CheckCommit returns an error unless the member may commit offsets to the group.
// generation is a classic group's generation or a consumer group's member epoch; a
// client that is no member sends -1.
func (c *Coordinator) CheckCommit(name, memberID string, instance *string, generation int32) error {
	if c.HasConsumers(name) {
		if g, err := c.lockConsumer(name); err == nil {
			defer g.mu.Unlock()
			return g.checkEpoch(memberID, generation)
		}
	}
	g := c.lock(name)
	if g == nil {
		switch {
		case generation < 0:
			return nil
		case c.hasOffsets(name): // the group exists, without members
			return kerr.UnknownMemberID
		}
		return kerr.IllegalGeneration
	}
	defer g.mu.Unlock()
	return g.checkCommit(memberID, instance, generation)
}

// Listed is a group as ListGroups names it.
type Listed struct {
	Name, ProtocolType, State, Type string
}

// List returns the groups by name: those with members, and those with committed
// offsets, which are Empty if they have no members.
func (c *Coordinator) List() (out []Listed) {
	found := map[string]Listed{}
	for _, name := range c.withOffsets() {
		found[name] = Listed{name, "", string(groupEmpty), "classic"}
	}
	c.mu.Lock()
	for name, g := range c.classic {
		g.mu.Lock()
		if _, committed := found[name]; committed || g.state != groupEmpty {
			found[name] = Listed{name, g.protocolType, string(g.state), "classic"}
		}
		g.mu.Unlock()
	}
	for name, g := range c.consumers {
		g.mu.Lock()
		if _, committed := found[name]; committed || len(g.members) > 0 {
			found[name] = Listed{name, "consumer", g.state(), "consumer"}
		}
		g.mu.Unlock()
	}
	c.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[name])
	}
	return out
}
