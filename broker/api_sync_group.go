package broker

import (
	"github.com/sightlog/sightlog/broker/internal/timer"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// syncGroupAPI serves SyncGroup.
var syncGroupAPI = api{
	key: 14, min: 0, max: 5,
	handler: handleDeferred((*Broker).syncGroup),
	schema: wire.Schema{
		wire.String, wire.Int32, wire.String, wire.String.Since(3), wire.String.Since(5), wire.String.Since(5), wire.List(wire.String, wire.Bytes),
	},
}

func (b *Broker) syncGroup(c *caller, req *kmsg.SyncGroupRequest) reply {
	wait, err := b.sync(c, req)
	if err != nil {
		resp := req.ResponseKind().(*kmsg.SyncGroupResponse)
		resp.ErrorCode = wire.Code(err)
		return immediate(resp)
	}
	return func() kmsg.Response {
		select {
		case resp := <-wait:
			resp.Version = req.Version
			return resp
		case <-c.ctx.Done():
			return nil
		}
	}
}

// sync returns where the member's assignment will come from.
func (b *Broker) sync(c *caller, req *kmsg.SyncGroupRequest) (<-chan *kmsg.SyncGroupResponse, error) {
	if err := checkGroupID(req.Group); err != nil {
		return nil, err
	}
	if err := b.authorize(c, opRead, resourceGroup, req.Group); err != nil {
		return nil, err
	}
	g := b.groups.lock(req.Group, false)
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
	g.touch(m)
	m.refuseSync(kerr.UnknownMemberID) // a retry on another connection
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

// answerSyncs gives their assignments to the members that wait for them.
func (g *group) answerSyncs() {
	for _, m := range g.members {
		if m.sync == nil {
			continue
		}
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.ProtocolType, resp.Protocol = kmsg.StringPtr(g.protocolType), kmsg.StringPtr(g.protocol)
		resp.MemberAssignment = m.assignment
		m.sync <- resp
		m.sync = nil
		g.touch(m)
	}
}
