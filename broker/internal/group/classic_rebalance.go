package group

import (
	"time"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// membersLeft continues or begins a rebalance after members were removed.
func (g *classicGroup) membersLeft() {
	switch g.state {
	case groupStable, groupCompleting:
		g.rebalance()
	case groupPreparing:
		g.tryCompleteJoin()
	}
}

// rebalance makes all members join again.
func (g *classicGroup) rebalance() {
	if g.state == groupPreparing {
		g.tryCompleteJoin()
		return
	}
	for _, m := range g.members {
		m.rejectSync(kerr.RebalanceInProgress)
	}
	wasEmpty := g.state == groupEmpty
	g.state = groupPreparing
	if wasEmpty && g.opt.InitialDelay > 0 {
		g.gathering = true
		g.gather(g.longestRebalance())
		return
	}
	g.setDeadline(g.longestRebalance(), groupPreparing, g.completeJoin)
	g.tryCompleteJoin()
}

// gather waits for more members of a group that was empty: for InitialDelay, again for as
// long as others join or are about to, and for limit at most (KIP-134).
func (g *classicGroup) gather(limit time.Duration) {
	delay, joined := min(g.opt.InitialDelay, limit), g.joined
	g.setDeadline(delay, groupPreparing, func() {
		if (g.joined > joined || len(g.pending) > 0) && limit > delay {
			g.gather(limit - delay)
			return
		}
		g.completeJoin()
	})
}

func (g *classicGroup) longestRebalance() (d time.Duration) {
	for _, m := range g.members {
		d = max(d, m.rebalance)
	}
	return d
}

// setDeadline calls fn after d, with mu held, if the phase has not ended by then. It
// replaces the deadline of the phase before.
func (g *classicGroup) setDeadline(d time.Duration, phase groupState, fn func()) {
	timer.Cancel(g.deadline)
	var mine *time.Timer
	mine = g.opt.Timers.After(d, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.deadline == mine && g.state == phase {
			fn()
		}
	})
	g.deadline = mine
}

// tryCompleteJoin ends the join phase if no member is missing.
func (g *classicGroup) tryCompleteJoin() {
	if g.state != groupPreparing || len(g.pending) > 0 {
		return
	}
	for _, m := range g.members {
		if m.join == nil {
			return
		}
	}
	if g.gathering && len(g.members) > 0 {
		return // more members may join until the deadline
	}
	g.completeJoin()
}

// completeJoin begins a generation with the members that have joined.
func (g *classicGroup) completeJoin() {
	g.gathering = false
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
	g.protocol = g.selectProtocol()
	g.state = groupCompleting
	for _, m := range g.members {
		m.assignment = nil
		if m.join != nil {
			m.join <- g.joinResponse(m)
			m.join = nil
			m.generation = g.generation
			m.recordHeartbeat()
		}
	}
	g.setDeadline(g.longestRebalance(), groupCompleting, g.expireSync)
}

// expireSync removes the members that did not ask for their assignment.
func (g *classicGroup) expireSync() {
	for _, m := range g.members {
		if m.sync == nil && m.generation == g.generation {
			g.remove(m)
		}
	}
	g.rebalance()
}

// selectProtocol returns the protocol that most members prefer, of those that all
// support.
func (g *classicGroup) selectProtocol() string {
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

// supported reports whether every member has the protocol.
func (g *classicGroup) supported(name string) bool {
	for _, m := range g.members {
		if m.metadata(name) == nil {
			return false
		}
	}
	return true
}

// joinResponse returns the response that begins the generation for a member. The
// leader, which assigns, is sent all members.
func (g *classicGroup) joinResponse(m *member) *kmsg.JoinGroupResponse {
	resp := kmsg.NewPtrJoinGroupResponse()
	resp.Generation = g.generation
	resp.ProtocolType, resp.Protocol = new(g.protocolType), new(g.protocol)
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

// checkCommit returns an error unless the member may commit offsets. mu is held.
func (g *classicGroup) checkCommit(memberID string, instance *string, generation int32) error {
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
	m.recordHeartbeat()
	return nil
}
