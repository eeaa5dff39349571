package group

import (
	"bytes"
	"time"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Join adds or renews a member of a classic group. It returns the channel on which
// the response will be sent, or an error; in both cases the member's id, which is
// new if the request has none.
func (c *Coordinator) Join(client Client, req *kmsg.JoinGroupRequest) (wait <-chan *kmsg.JoinGroupResponse, memberID string, err error) {
	if err := CheckID(req.Group); err != nil {
		return nil, req.MemberID, err
	}
	session := time.Duration(req.SessionTimeoutMillis) * time.Millisecond
	if session < c.opt.MinSession || session > c.opt.MaxSession {
		return nil, req.MemberID, kerr.InvalidSessionTimeout
	}
	g, err := c.lockToJoin(req.Group, req.MemberID == "")
	if err != nil {
		return nil, req.MemberID, err
	}
	defer g.mu.Unlock()
	if err := g.checkProtocols(req); err != nil {
		return nil, req.MemberID, err
	}
	m := newMember(client, req, session)
	if m.id == "" {
		wait, err = g.joinNew(m, req)
	} else {
		wait, err = g.joinAgain(m, req)
	}
	return wait, m.id, err
}

// checkProtocols returns INCONSISTENT_GROUP_PROTOCOL unless a member with the
// request's protocols can be in the group.
func (g *classicGroup) checkProtocols(req *kmsg.JoinGroupRequest) error {
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

// newMember returns the member that the request describes. Byte slices of the request
// are copied, because its buffer is reused.
func newMember(client Client, req *kmsg.JoinGroupRequest, session time.Duration) *member {
	m := &member{
		id: req.MemberID, instance: req.InstanceID,
		clientID: client.ID, host: client.Host,
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
func (g *classicGroup) joinNew(m *member, req *kmsg.JoinGroupRequest) (<-chan *kmsg.JoinGroupResponse, error) {
	m.id = m.clientID + "-" + wire.NewUUID().String()
	if m.instance != nil {
		if old := g.members[g.static[*m.instance]]; old != nil {
			return g.replace(old, m, req), nil
		}
	} else if req.Version >= 4 {
		g.addPending(m.id, m.session)
		return nil, kerr.MemberIDRequired
	}
	g.protocolType = req.ProtocolType
	g.add(m)
	return g.await(m), nil
}

// joinAgain joins a member that has an id already.
func (g *classicGroup) joinAgain(m *member, req *kmsg.JoinGroupRequest) (<-chan *kmsg.JoinGroupResponse, error) {
	if _, pending := g.pending[m.id]; pending {
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
	g.startSession(old)
	switch {
	case g.state == groupCompleting && same,
		g.state == groupStable && same && old.id != g.leader:
		return answered(g.joinResponse(old)), nil // a retry: the response was lost
	}
	return g.await(old), nil
}

// replace replaces a static member by its new instance m, which has another id.
func (g *classicGroup) replace(old, m *member, req *kmsg.JoinGroupRequest) <-chan *kmsg.JoinGroupResponse {
	old.reject(kerr.FencedInstanceID)
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
				// Before v9 a leader cannot be told to skip the assignment. It
				// would assign again without a rebalance, and the other members
				// would not learn of it. So the response names its former id as
				// the leader (KIP-814).
				resp.LeaderID, resp.Members = old.id, nil
			}
		}
		return answered(resp)
	}
	return g.await(m)
}

// await returns the channel on which the member's join is answered, and begins a
// rebalance.
func (g *classicGroup) await(m *member) <-chan *kmsg.JoinGroupResponse {
	if m.join != nil { // a retry on another connection
		m.reject(kerr.UnknownMemberID)
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
