package broker

import (
	"github.com/sightlog/sightlog/broker/internal/timer"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"cmp"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leaveGroupAPI serves LeaveGroup.
var leaveGroupAPI = api{
	key: 13, min: 0, max: 5,
	handler: handle((*Broker).leaveGroup),
	schema:  wire.Schema{wire.String, wire.String.Until(2), wire.List(wire.String, wire.String, wire.String.Since(5)).Since(3)},
}

func (b *Broker) leaveGroup(c *caller, req *kmsg.LeaveGroupRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.LeaveGroupResponse)
	if err := cmp.Or(checkGroupID(req.Group), b.authorize(c, opRead, resourceGroup, req.Group)); err != nil {
		resp.ErrorCode = wire.Code(err)
		return resp
	}
	leaving := req.Members
	if req.Version < 3 {
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = req.MemberID
		leaving = append(leaving, m)
	}
	g := b.groups.lock(req.Group, false)
	if g != nil {
		defer g.mu.Unlock()
	}
	left := false
	for i := range leaving {
		err := error(kerr.UnknownMemberID)
		if g != nil {
			err = g.leave(&leaving[i])
		}
		left = left || err == nil
		if req.Version < 3 {
			resp.ErrorCode = wire.Code(err)
			continue
		}
		sm := kmsg.NewLeaveGroupResponseMember()
		sm.MemberID, sm.InstanceID, sm.ErrorCode = leaving[i].MemberID, leaving[i].InstanceID, wire.Code(err)
		resp.Members = append(resp.Members, sm)
	}
	if left {
		g.changed()
	}
	return resp
}

func (g *group) leave(lm *kmsg.LeaveGroupRequestMember) error {
	if a, promised := g.promised[lm.MemberID]; promised && lm.InstanceID == nil {
		timer.Cancel(a)
		delete(g.promised, lm.MemberID)
		return nil
	}
	id := lm.MemberID
	if lm.InstanceID != nil && id == "" { // an admin removes a static member
		id = g.static[*lm.InstanceID]
	}
	m, err := g.find(id, lm.InstanceID)
	if err != nil {
		return err
	}
	g.remove(m)
	return nil
}
