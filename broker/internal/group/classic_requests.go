package group

import (
	"slices"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Sync returns the channel on which a member's assignment will be sent. The leader's
// request has the assignments of all.
func (c *Coordinator) Sync(req *kmsg.SyncGroupRequest) (<-chan *kmsg.SyncGroupResponse, error) {
	if err := CheckID(req.Group); err != nil {
		return nil, err
	}
	g := c.lock(req.Group)
	if g == nil {
		return nil, kerr.UnknownMemberID
	}
	defer g.mu.Unlock()
	m, err := g.find(req.MemberID, req.InstanceID)
	if err != nil {
		return nil, err
	}
	switch {
	case req.Generation != g.generation:
		return nil, kerr.IllegalGeneration
	case req.ProtocolType != nil && *req.ProtocolType != g.protocolType,
		req.Protocol != nil && *req.Protocol != g.protocol:
		return nil, kerr.InconsistentGroupProtocol
	case g.state == groupPreparing:
		return nil, kerr.RebalanceInProgress
	}
	m.recordHeartbeat()
	m.rejectSync(kerr.UnknownMemberID) // of an earlier request, on another connection
	wait := make(chan *kmsg.SyncGroupResponse, 1)
	m.sync = wait
	if g.state == groupCompleting && m.id == g.leader {
		for _, a := range req.GroupAssignment {
			if o := g.members[a.MemberID]; o != nil {
				o.assignment = append([]byte{}, a.MemberAssignment...)
			}
		}
		g.state = groupStable
		timer.Cancel(g.deadline)
	}
	if g.state == groupStable {
		g.answerSyncs()
	}
	return wait, nil
}

// answerSyncs sends their assignments to the members that wait for them.
func (g *classicGroup) answerSyncs() {
	for _, m := range g.members {
		if m.sync == nil {
			continue
		}
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.ProtocolType, resp.Protocol = new(g.protocolType), new(g.protocol)
		resp.MemberAssignment = m.assignment
		m.sync <- resp
		m.sync = nil
		m.recordHeartbeat()
	}
}

// Heartbeat renews a member's session: REBALANCE_IN_PROGRESS tells it to join again.
func (c *Coordinator) Heartbeat(req *kmsg.HeartbeatRequest) error {
	if err := CheckID(req.Group); err != nil {
		return err
	}
	g := c.lock(req.Group)
	if g == nil {
		return kerr.UnknownMemberID
	}
	defer g.mu.Unlock()
	m, err := g.find(req.MemberID, req.InstanceID)
	if err != nil {
		return err
	}
	if req.Generation != g.generation {
		return kerr.IllegalGeneration
	}
	m.recordHeartbeat()
	if g.state == groupPreparing {
		return kerr.RebalanceInProgress
	}
	return nil
}

// Leave removes members, and returns an error for each, nil for those that left.
func (c *Coordinator) Leave(name string, members []kmsg.LeaveGroupRequestMember) []error {
	errs := make([]error, len(members))
	g := c.lock(name)
	if g == nil {
		for i := range errs {
			errs[i] = kerr.UnknownMemberID
		}
		return errs
	}
	defer g.mu.Unlock()
	for i := range members {
		errs[i] = g.leave(&members[i])
	}
	if slices.Contains(errs, nil) {
		g.membersLeft()
	}
	return errs
}

func (g *classicGroup) leave(lm *kmsg.LeaveGroupRequestMember) error {
	if t, pending := g.pending[lm.MemberID]; pending && lm.InstanceID == nil {
		timer.Cancel(t)
		delete(g.pending, lm.MemberID)
		return nil
	}
	id := lm.MemberID
	if lm.InstanceID != nil && id == "" { // an administrator removes a static member
		id = g.static[*lm.InstanceID]
	}
	m, err := g.find(id, lm.InstanceID)
	if err != nil {
		return err
	}
	g.remove(m)
	return nil
}

// Describe fills in a classic group's state and members, and reports whether the
// group exists. A group without members exists if it has offsets.
func (c *Coordinator) Describe(name string, sg *kmsg.DescribeGroupsResponseGroup) (found bool) {
	hasOffsets := c.hasOffsets(name)
	g := c.lock(name)
	if g == nil {
		if hasOffsets {
			sg.State = string(groupEmpty)
		}
		return hasOffsets
	}
	defer g.mu.Unlock()
	if g.state == groupEmpty && !hasOffsets && len(g.pending) == 0 {
		return false
	}
	sg.State, sg.ProtocolType = string(g.state), g.protocolType
	if g.state == groupStable {
		sg.Protocol = g.protocol
	}
	for _, m := range g.ordered() {
		sm := kmsg.NewDescribeGroupsResponseGroupMember()
		sm.MemberID, sm.InstanceID, sm.ClientID, sm.ClientHost = m.id, m.instance, m.clientID, m.host
		if g.state == groupStable {
			sm.ProtocolMetadata, sm.MemberAssignment = m.metadata(g.protocol), m.assignment
		}
		sg.Members = append(sg.Members, sm)
	}
	return true
}

// subscribes reports whether a member subscribes to the topic. A member whose
// subscription cannot be decoded counts as subscribed to everything.
func (g *classicGroup) subscribes(topic string) bool {
	for _, m := range g.members {
		var sub kmsg.ConsumerMemberMetadata
		if g.protocolType != "consumer" || sub.ReadFrom(m.metadata(g.protocol)) != nil || slices.Contains(sub.Topics, topic) {
			return true
		}
	}
	return false
}
