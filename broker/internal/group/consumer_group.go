package group

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/twmb/franz-go/pkg/kerr"
)

// consumerGroup is a group of the consumer protocol (KIP-848): the broker assigns.
// Each member reaches its target in steps, by its heartbeats:
//
//	revoking ──owned no more──► at the group's epoch, with the free partitions
//	                                     │ another member revokes a partition
//	                                     ▼
//	                                  stable
//
// A partition is assigned to a member only when no other member has it, neither
// assigned nor being revoked. Membership is in memory: after a restart members are
// unknown and join again.
type consumerGroup struct {
	opt  *Options
	name string

	mu sync.Mutex // guards the following, and the members

	epoch    int32  // grows with every change of members, subscriptions or topics; targets are of this epoch
	inputs   string // the members, subscriptions and topics that the targets were computed from
	assignor string
	members  map[string]*consumerMember
	static   map[string]string // instance id to member id
}

// consumerMember is a member of a consumerGroup.
type consumerMember struct {
	id, clientID, host string
	instance, rack     *string
	epoch, prevEpoch   int32
	leftTemporarily    bool // a static member that will come back
	topics             []string
	regex              *regexp.Regexp
	regexText          string
	assignor           string
	rebalance          time.Duration

	// assigned and revoking are disjoint: partitions move from the one to the other,
	// and leave revoking when the member no longer reports them as owned.
	target   partitionSet
	assigned partitionSet // as the member's last responses assign
	revoking partitionSet // no longer assigned, and not yet reported as given up

	lastHeartbeat time.Time
	session       time.Duration // that sessionTimer was started with
	sessionTimer  *time.Timer   // removes the member unless lastHeartbeat is recent
	deadline      *time.Timer   // of a revocation
}

func newConsumerGroup(opt *Options, name string) *consumerGroup {
	return &consumerGroup{opt: opt, name: name, assignor: assignorUniform, members: map[string]*consumerMember{}, static: map[string]string{}}
}

// state returns the group's state, by the name that ListGroups gives it.
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
func (m *consumerMember) subscribed(all []Topic) (out []Topic) {
	for _, t := range all {
		if slices.Contains(m.topics, t.Name) || m.regex != nil && m.regex.MatchString(t.Name) {
			out = append(out, t)
		}
	}
	return out
}

// refresh begins a new epoch, and computes its targets, if subscriptions, members or
// topics have changed since the last one.
func (g *consumerGroup) refresh() {
	var inputs []byte
	all := g.opt.Topics()
	subscriptions := map[string][]Topic{}
	for _, id := range slices.Sorted(maps.Keys(g.members)) {
		m := g.members[id]
		subscriptions[id] = m.subscribed(all)
		inputs = fmt.Appendf(inputs, "%s:%s:", id, m.assignor)
		for _, t := range subscriptions[id] {
			inputs = fmt.Appendf(inputs, "%s/%d,", t.ID, t.Partitions)
		}
	}
	if string(inputs) == g.inputs {
		return
	}
	g.inputs = string(inputs)
	g.epoch++
	g.assignor = g.selectAssignor()
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

// selectAssignor returns the assignor that most members ask for.
func (g *consumerGroup) selectAssignor() string {
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

// ownerExcept returns a member other than the given one that has the partition,
// assigned or being revoked, or nil.
func (g *consumerGroup) ownerExcept(tp topicPartition, except *consumerMember) *consumerMember {
	for _, o := range g.members {
		if o == except {
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

// reconcile brings the member as near to its target as the other members allow, and
// reports whether its assignment changed. owned are the partitions that the member
// reports to have, nil if it reports none.
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
		m.deadline = g.opt.Timers.After(m.rebalance, func() { g.expireRevocation(m) })
		return true
	}
	if m.epoch != g.epoch {
		m.prevEpoch, m.epoch = m.epoch, g.epoch
	}
	for tp := range m.target {
		if _, has := m.assigned[tp]; !has && g.ownerExcept(tp, m) == nil {
			m.assigned[tp] = struct{}{}
			changed = true
		}
	}
	return changed
}

// recordHeartbeat restarts the member's session timeout.
func (g *consumerGroup) recordHeartbeat(m *consumerMember) {
	m.lastHeartbeat = time.Now()
	_, session := g.opt.ConsumerTimes(g.name)
	if m.sessionTimer != nil && session >= m.session {
		return // checkSession waits for the rest
	}
	if m.sessionTimer != nil {
		m.sessionTimer.Stop()
	}
	m.session = session
	m.sessionTimer = g.opt.Timers.After(session, func() { g.checkSession(m) })
}

func (g *consumerGroup) checkSession(m *consumerMember) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.members[m.id] != m {
		return
	}
	if _, m.session = g.opt.ConsumerTimes(g.name); time.Since(m.lastHeartbeat) < m.session {
		left := m.session - time.Since(m.lastHeartbeat)
		m.sessionTimer = g.opt.Timers.After(left, func() { g.checkSession(m) })
		return
	}
	g.remove(m)
}

// expireRevocation removes a member that did not revoke its partitions in time.
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

// checkEpoch returns an error unless a member of this epoch may commit or fetch
// offsets. mu is held.
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
