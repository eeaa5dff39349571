package broker

import (
	"github.com/sightlog/sightlog/broker/internal/timer"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"bytes"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// joinGroupAPI serves JoinGroup.
//
// From v4 on a new dynamic member is first given an id to join with (KIP-394).
// A static member (KIP-345) that comes back with the same protocols takes over
// its place without a rebalance.
var joinGroupAPI = api{
	key: 11, min: 0, max: 9,
	handler: handleDeferred((*Broker).joinGroup),
	schema: wire.Schema{
		wire.String, wire.Int32, wire.Int32.Since(1), wire.String, wire.String.Since(5), wire.String, wire.List(wire.String, wire.Bytes),
		wire.String.Since(8),
	},
}

func (b *Broker) joinGroup(c *caller, req *kmsg.JoinGroupRequest) reply {
	wait, err, id := b.join(c, req)
	answer := func(resp *kmsg.JoinGroupResponse) kmsg.Response {
		resp.Version = req.Version
		if req.Version < 7 && resp.Protocol == nil {
			resp.Protocol = kmsg.StringPtr("")
		}
		return resp
	}
	if err != nil {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.ErrorCode, resp.Generation, resp.MemberID = wire.Code(err), -1, id
		return immediate(answer(resp))
	}
	return func() kmsg.Response {
		select {
		case resp := <-wait:
			return answer(resp)
		case <-c.ctx.Done():
			return nil
		}
	}
}

// join returns where the answer will come from, or an error and the member id
// that goes with it.
func (b *Broker) join(c *caller, req *kmsg.JoinGroupRequest) (<-chan *kmsg.JoinGroupResponse, error, string) {
	id := req.MemberID
	if err := checkGroupID(req.Group); err != nil {
		return nil, err, id
	}
	if err := b.authorize(c, opRead, resourceGroup, req.Group); err != nil {
		return nil, err, id
	}
	session := time.Duration(req.SessionTimeoutMillis) * time.Millisecond
	if session < b.cfg.GroupMinSession || session > b.cfg.GroupMaxSession {
		return nil, kerr.InvalidSessionTimeout, id
	}
	if b.groups.hasConsumers(req.Group) {
		return nil, kerr.InconsistentGroupProtocol, id
	}
	g := b.groups.lock(req.Group, id == "")
	if g == nil {
		return nil, kerr.UnknownMemberID, id
	}
	defer g.mu.Unlock()
	if err := g.checkProtocols(req); err != nil {
		return nil, err, id
	}
	m := g.newMember(c, req, session)
	if id == "" {
		return g.joinNew(m, req)
	}
	wait, err := g.joinAgain(m, req)
	return wait, err, id
}

// checkProtocols says whether a member with the request's protocols can be in
// the group.
func (g *group) checkProtocols(req *kmsg.JoinGroupRequest) error {
	if req.ProtocolType == "" || len(req.Protocols) == 0 {
		return kerr.InconsistentGroupProtocol
	}
	others := 0
	for id := range g.members {
		if id != req.MemberID {
			others++
		}
	}
	if others == 0 {
		return nil
	}
	if req.ProtocolType != g.protocolType {
		return kerr.InconsistentGroupProtocol
	}
	for _, p := range req.Protocols {
		if g.supported(p.Name) {
			return nil
		}
	}
	return kerr.InconsistentGroupProtocol
}

// newMember makes the member that the request describes. What it keeps of the
// request is copied: the request's buffer is used again.
func (g *group) newMember(c *caller, req *kmsg.JoinGroupRequest, session time.Duration) *member {
	m := &member{
		id: req.MemberID, instance: req.InstanceID,
		clientID: c.clientID, host: c.host(),
		session:   session,
		rebalance: time.Duration(req.RebalanceTimeoutMillis) * time.Millisecond,
	}
	if req.Version == 0 {
		m.rebalance = session
	}
	for _, p := range req.Protocols {
		p.Metadata = append([]byte{}, p.Metadata...)
		m.protocols = append(m.protocols, p)
	}
	return m
}

// joinNew joins a member that has no id yet.
func (g *group) joinNew(m *member, req *kmsg.JoinGroupRequest) (<-chan *kmsg.JoinGroupResponse, error, string) {
	m.id = m.clientID + "-" + wire.NewUUID().String()
	if m.instance != nil {
		if old := g.members[g.static[*m.instance]]; old != nil {
			return g.replace(old, m, req), nil, m.id
		}
	} else if req.Version >= 4 {
		g.promise(m.id, m.session)
		return nil, kerr.MemberIDRequired, m.id
	}
	g.protocolType = req.ProtocolType
	g.add(m)
	return g.await(m), nil, m.id
}

// joinAgain joins a member that says who it is.
func (g *group) joinAgain(m *member, req *kmsg.JoinGroupRequest) (<-chan *kmsg.JoinGroupResponse, error) {
	if _, promised := g.promised[m.id]; promised {
		g.protocolType = req.ProtocolType
		g.add(m)
		return g.await(m), nil
	}
	old, err := g.find(m.id, m.instance)
	if err != nil {
		return nil, err
	}
	same := old.sameProtocols(m)
	old.protocols, old.session, old.rebalance = m.protocols, m.session, m.rebalance
	g.watch(old)
	switch {
	case g.state == groupCompleting && same,
		g.state == groupStable && same && old.id != g.leader:
		return answered(g.joinResponse(old)), nil // it missed the answer
	}
	return g.await(old), nil
}

// replace puts a static member that came back in the place of its old self.
func (g *group) replace(old, m *member, req *kmsg.JoinGroupRequest) <-chan *kmsg.JoinGroupResponse {
	old.refuse(kerr.FencedInstanceID)
	timer.Cancel(old.sessionTimer)
	delete(g.members, old.id)
	m.assignment = old.assignment
	wasLeader := g.leader == old.id
	if wasLeader {
		g.leader = m.id
	}
	g.add(m)
	m.order = old.order
	if g.state == groupStable && old.sameProtocols(m) {
		resp := g.joinResponse(m)
		if wasLeader {
			if req.Version >= 9 {
				resp.SkipAssignment = true
			} else {
				// Before v9 a leader that is told so would assign anew,
				// which the others would not hear of: it is told that it
				// follows its former self (KIP-814).
				resp.LeaderID, resp.Members = old.id, nil
			}
		}
		return answered(resp)
	}
	return g.await(m)
}

// await makes the member's join wait for the group.
func (g *group) await(m *member) <-chan *kmsg.JoinGroupResponse {
	if m.join != nil { // a retry on another connection
		m.refuse(kerr.UnknownMemberID)
	}
	wait := make(chan *kmsg.JoinGroupResponse, 1)
	m.join = wait
	g.rebalance()
	return wait
}

func answered(resp *kmsg.JoinGroupResponse) <-chan *kmsg.JoinGroupResponse {
	ch := make(chan *kmsg.JoinGroupResponse, 1)
	ch <- resp
	return ch
}

func (m *member) sameProtocols(o *member) bool {
	if len(m.protocols) != len(o.protocols) {
		return false
	}
	for i := range m.protocols {
		if m.protocols[i].Name != o.protocols[i].Name || !bytes.Equal(m.protocols[i].Metadata, o.protocols[i].Metadata) {
			return false
		}
	}
	return true
}
