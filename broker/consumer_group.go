package broker

import (
	"github.com/sightlog/sightlog/broker/internal/timer"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// consumerGroup is a group of the consumer protocol (KIP-848): the broker
// assigns. Members come to their target step by step, each in its heartbeats:
//
//	revoking ──owned no more──► at the target's epoch, with what is free
//	                                     │ another member lets go
//	                                     ▼
//	                                  stable
//
// A partition is given to a member only when nobody else has it. Membership is
// in memory: after a restart members are unknown and join again.
type consumerGroup struct {
	b    *Broker
	name string

	mu sync.Mutex // guards what follows, and the members

	epoch    int32 // of subscriptions and topics; the target is always its
	seen     string
	assignor string
	members  map[string]*consumerMember
	static   map[string]string // instance id to member id
}

// topicPartition names a partition by its topic's id.
type topicPartition struct {
	topic wire.UUID
	index int32
}

type partitionSet map[topicPartition]struct{}

// consumerMember is a member of a consumerGroup.
type consumerMember struct {
	id, clientID, host string
	instance, rack     *string
	epoch, prevEpoch   int32
	away               bool // a static member that left for a while
	topics             []string
	regex              *regexp.Regexp
	regexText          string
	assignor           string
	rebalance          time.Duration

	target   partitionSet
	assigned partitionSet // what it was told to have
	revoking partitionSet // what it was told to let go and has not

	seen         time.Time
	sessionTimer *time.Timer
	deadline     *time.Timer // of a revocation
}

const (
	consumerSession   = 45 * time.Second
	consumerHeartbeat = time.Second

	assignorUniform = "uniform"
	assignorRange   = "range"
)

func newConsumerGroup(b *Broker, name string) *consumerGroup {
	return &consumerGroup{b: b, name: name, assignor: assignorUniform, members: map[string]*consumerMember{}, static: map[string]string{}}
}

// state is the group's, as ListGroups names it.
func (g *consumerGroup) state() string {
	if len(g.members) == 0 {
		return string(groupEmpty)
	}
	for _, m := range g.members {
		if m.epoch != g.epoch || len(m.revoking) > 0 || !maps.Equal(m.assigned, m.target) {
			return "Reconciling"
		}
	}
	return string(groupStable)
}

// subscribed returns the topics of a member.
func (g *consumerGroup) subscribed(m *consumerMember) (out []*topic) {
	for _, t := range g.b.topics.all() {
		if slices.Contains(m.topics, t.name) || m.regex != nil && m.regex.MatchString(t.name) {
			out = append(out, t)
		}
	}
	return out
}

// refresh begins a new epoch if subscriptions, members or topics are not what
// they were when the target was made.
func (g *consumerGroup) refresh() {
	var sum []byte
	subscriptions := map[string][]*topic{}
	for _, id := range slices.Sorted(maps.Keys(g.members)) {
		m := g.members[id]
		subscriptions[id] = g.subscribed(m)
		sum = fmt.Appendf(sum, "%s:%s:", id, m.assignor)
		for _, t := range subscriptions[id] {
			sum = fmt.Appendf(sum, "%s/%d,", t.id, len(t.partitions()))
		}
	}
	if string(sum) == g.seen {
		return
	}
	g.seen = string(sum)
	g.epoch++
	g.assignor = g.elect()
	targets := map[string]partitionSet{}
	for id, m := range g.members {
		targets[id] = maps.Clone(m.target)
	}
	if g.assignor == assignorRange {
		targets = assignRange(subscriptions)
	} else {
		targets = assignUniform(subscriptions, targets)
	}
	for id, m := range g.members {
		m.target = targets[id]
		if m.target == nil {
			m.target = partitionSet{}
		}
	}
}

// elect returns the assignor that most members ask for.
func (g *consumerGroup) elect() string {
	ranges := 0
	for _, m := range g.members {
		if m.assignor == assignorRange {
			ranges++
		}
	}
	if ranges*2 > len(g.members) {
		return assignorRange
	}
	return assignorUniform
}

// owner returns another member that has the partition.
func (g *consumerGroup) owner(tp topicPartition, but *consumerMember) *consumerMember {
	for _, o := range g.members {
		if o == but {
			continue
		}
		if _, has := o.assigned[tp]; has {
			return o
		}
		if _, has := o.revoking[tp]; has {
			return o
		}
	}
	return nil
}

// reconcile takes the member as near to its target as the others allow, and
// says whether what it is told changes. owned is what it says it has, nil if
// it does not say.
func (g *consumerGroup) reconcile(m *consumerMember, owned partitionSet) (changed bool) {
	if len(m.revoking) > 0 {
		if owned == nil {
			return false
		}
		for tp := range m.revoking {
			if _, has := owned[tp]; has {
				return false
			}
		}
		m.revoking = nil
		timer.Cancel(m.deadline)
	}
	for tp := range m.assigned {
		if _, stays := m.target[tp]; !stays {
			if m.revoking == nil {
				m.revoking = partitionSet{}
			}
			m.revoking[tp] = struct{}{}
			delete(m.assigned, tp)
		}
	}
	if len(m.revoking) > 0 {
		timer.Cancel(m.deadline)
		m.deadline = g.b.timers.After(m.rebalance, func() { g.expireRevocation(m) })
		return true
	}
	if m.epoch != g.epoch {
		m.prevEpoch, m.epoch = m.epoch, g.epoch
	}
	for tp := range m.target {
		if _, has := m.assigned[tp]; !has && g.owner(tp, m) == nil {
			m.assigned[tp] = struct{}{}
			changed = true
		}
	}
	return changed
}

// touch notes a sign of life.
func (g *consumerGroup) touch(m *consumerMember) {
	m.seen = time.Now()
	if m.sessionTimer == nil {
		m.sessionTimer = g.b.timers.After(consumerSession, func() { g.checkAlive(m) })
	}
}

func (g *consumerGroup) checkAlive(m *consumerMember) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members[m.id] != m {
		return
	}
	if left := consumerSession - time.Since(m.seen); left > 0 {
		m.sessionTimer = g.b.timers.After(left, func() { g.checkAlive(m) })
		return
	}
	g.remove(m)
}

// expireRevocation removes a member that did not let go in time.
func (g *consumerGroup) expireRevocation(m *consumerMember) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members[m.id] == m && len(m.revoking) > 0 {
		g.remove(m)
	}
}

func (g *consumerGroup) remove(m *consumerMember) {
	timer.Cancel(m.sessionTimer)
	timer.Cancel(m.deadline)
	delete(g.members, m.id)
	if m.instance != nil && g.static[*m.instance] == m.id {
		delete(g.static, *m.instance)
	}
	g.refresh()
}

// checkEpoch says whether a member of this epoch may commit or fetch offsets.
func (g *consumerGroup) checkEpoch(id string, epoch int32) error {
	if id == "" && epoch < 0 {
		if len(g.members) == 0 {
			return nil
		}
		return kerr.UnknownMemberID
	}
	m := g.members[id]
	switch {
	case m == nil:
		return kerr.UnknownMemberID
	case epoch != m.epoch:
		return kerr.StaleMemberEpoch
	}
	return nil
}
