package broker

import (
	"github.com/sightlog/sightlog/broker/internal/timer"

	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// group is a consumer group of the classic protocol.
//
//	          join                all joined, or time is up
//	empty ───────────► preparing ─────────────────────────► completing
//	  ▲                 ▲     ▲                                 │ leader's sync
//	  │ the last left   │     └──── a member joins or goes ─────┤
//	  └─────────────────┴────────── a member joins or goes ── stable ◄┘
type group struct {
	b    *Broker
	name string

	mu sync.Mutex // guards everything below, and the members

	state        groupState
	protocolType string
	protocol     string
	generation   int32
	leader       string // member id
	members      map[string]*member
	promised     map[string]*time.Timer // ids that were handed out and have not joined
	static       map[string]string      // instance id to member id
	joined       int                    // counts joins, to order members
	deadline     *time.Timer            // of the join or sync phase
	emptySince   int64                  // ms, when the last member left
}

type groupState string

// The states, as ListGroups and DescribeGroups name them.
const (
	groupEmpty      groupState = "Empty"
	groupPreparing  groupState = "PreparingRebalance"
	groupCompleting groupState = "CompletingRebalance"
	groupStable     groupState = "Stable"
	groupDead       groupState = "Dead"
)

func newGroup(b *Broker, name string) *group {
	return &group{
		b: b, name: name, state: groupEmpty,
		members:  map[string]*member{},
		promised: map[string]*time.Timer{},
		static:   map[string]string{},
	}
}

// changed is called after members have gone.
func (g *group) changed() {
	switch g.state {
	case groupStable, groupCompleting:
		g.rebalance()
	case groupPreparing:
		g.tryCompleteJoin()
	}
}

// rebalance asks everybody to join again.
func (g *group) rebalance() {
	if g.state == groupPreparing {
		g.tryCompleteJoin()
		return
	}
	for _, m := range g.members {
		m.refuseSync(kerr.RebalanceInProgress)
	}
	wasEmpty := g.state == groupEmpty
	g.state = groupPreparing
	if wasEmpty && g.b.cfg.GroupInitialDelay > 0 {
		g.setDeadline(g.b.cfg.GroupInitialDelay, groupPreparing, g.completeJoin)
		return
	}
	g.setDeadline(g.longestRebalance(), groupPreparing, g.completeJoin)
	g.tryCompleteJoin()
}

func (g *group) longestRebalance() (d time.Duration) {
	for _, m := range g.members {
		d = max(d, m.rebalance)
	}
	return d
}

// setDeadline ends a phase of a rebalance after d.
func (g *group) setDeadline(d time.Duration, phase groupState, fn func()) {
	timer.Cancel(g.deadline)
	var mine *time.Timer
	mine = g.b.timers.After(d, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.deadline == mine && g.state == phase {
			fn()
		}
	})
	g.deadline = mine
}

// tryCompleteJoin ends the join phase if nobody is missing.
func (g *group) tryCompleteJoin() {
	if g.state != groupPreparing || len(g.promised) > 0 {
		return
	}
	for _, m := range g.members {
		if m.join == nil {
			return
		}
	}
	if g.b.cfg.GroupInitialDelay > 0 && g.generation == 0 && len(g.members) > 0 {
		return // the deadline completes it: more may come
	}
	g.completeJoin()
}

// completeJoin begins a generation with those who have joined.
func (g *group) completeJoin() {
	for _, m := range g.members {
		if m.join == nil && m.instance == nil {
			g.remove(m)
		}
	}
	g.generation++
	if len(g.members) == 0 {
		timer.Cancel(g.deadline)
		g.state, g.protocol, g.leader = groupEmpty, "", ""
		g.emptySince = time.Now().UnixMilli()
		return
	}
	if lead := g.members[g.leader]; lead == nil || lead.join == nil {
		for _, m := range g.ordered() {
			if m.join != nil {
				g.leader = m.id
				break
			}
		}
	}
	g.protocol = g.vote()
	g.state = groupCompleting
	for _, m := range g.members {
		m.assignment = nil
		if m.join != nil {
			m.join <- g.joinResponse(m)
			m.join = nil
			m.generation = g.generation
			g.touch(m)
		}
	}
	g.setDeadline(g.longestRebalance(), groupCompleting, g.expireSync)
}

// expireSync removes the members that did not ask for their assignment.
func (g *group) expireSync() {
	for _, m := range g.members {
		if m.sync == nil && m.generation == g.generation {
			g.remove(m)
		}
	}
	g.rebalance()
}

// vote returns the protocol that most members prefer of those all have.
func (g *group) vote() string {
	votes := map[string]int{}
	best := ""
	for _, m := range g.ordered() {
		for _, p := range m.protocols {
			if g.supported(p.Name) {
				votes[p.Name]++
				if best == "" || votes[p.Name] > votes[best] {
					best = p.Name
				}
				break
			}
		}
	}
	return best
}

// supported says whether every member has the protocol.
func (g *group) supported(name string) bool {
	for _, m := range g.members {
		if m.metadata(name) == nil {
			return false
		}
	}
	return true
}

// joinResponse tells a member of the generation.
func (g *group) joinResponse(m *member) *kmsg.JoinGroupResponse {
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.Generation = g.generation
	resp.ProtocolType, resp.Protocol = kmsg.StringPtr(g.protocolType), kmsg.StringPtr(g.protocol)
	resp.LeaderID, resp.MemberID = g.leader, m.id
	if m.id == g.leader {
		for _, o := range g.ordered() {
			sm := kmsg.NewJoinGroupResponseMember()
			sm.MemberID, sm.InstanceID, sm.ProtocolMetadata = o.id, o.instance, o.metadata(g.protocol)
			resp.Members = append(resp.Members, sm)
		}
	}
	return resp
}

// checkCommit says whether a member may commit offsets.
func (g *group) checkCommit(memberID string, instance *string, generation int32) error {
	if generation < 0 && memberID == "" && instance == nil {
		if g.state == groupEmpty {
			return nil // a consumer that assigns its partitions itself
		}
		return kerr.UnknownMemberID
	}
	m, err := g.find(memberID, instance)
	if err != nil {
		return err
	}
	if generation != g.generation {
		return kerr.IllegalGeneration
	}
	if g.state == groupCompleting {
		return kerr.RebalanceInProgress
	}
	g.touch(m)
	return nil
}
