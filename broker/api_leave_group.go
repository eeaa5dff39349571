package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// leaveGroupAPI serves LeaveGroup.
var leaveGroupAPI = api{
	key: 13, min: 0, max: 5,
	handler: handle((*Broker).leaveGroup),
	schema:  wire.Schema{wire.String, wire.String.Through(2), wire.List(wire.String, wire.String, wire.String.Since(5)).Since(3)},
}

func (b *Broker) leaveGroup(c *caller, req *kmsg.LeaveGroupRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.LeaveGroupResponse)
	if err := b.authorizeGroup(c, opRead, req.Group); err != nil {
		resp.ErrorCode = wire.Code(err)
		return resp
	}
	leaving := req.Members
	if req.Version < 3 {
		m := kmsg.NewLeaveGroupRequestMember()
		m.MemberID = req.MemberID
		leaving = append(leaving, m)
	}
	for i, err := range b.groups.Leave(req.Group, leaving) {
		if req.Version < 3 {
			resp.ErrorCode = wire.Code(err)
			continue
		}
		sm := kmsg.NewLeaveGroupResponseMember()
		sm.MemberID, sm.InstanceID, sm.ErrorCode = leaving[i].MemberID, leaving[i].InstanceID, wire.Code(err)
		resp.Members = append(resp.Members, sm)
	}
	return resp
}
