package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// joinGroupAPI serves JoinGroup.
//
// From v4 on a new dynamic member is first given an id to join with (KIP-394).
// A static member (KIP-345) that returns with the same protocols replaces its former
// instance without a rebalance.
var joinGroupAPI = api{
	key: 11, min: 0, max: 9,
	handler: handleDeferred((*Broker).joinGroup),
	schema: wire.Schema{
		wire.String, wire.Int32,
		wire.Int32.Since(1), wire.String,
		wire.String.Since(5),
		wire.String, wire.List(wire.String, wire.Bytes),
		wire.String.Since(8),
	},
}

func (b *Broker) joinGroup(c *caller, req *kmsg.JoinGroupRequest) reply {
	wait, id, err := b.join(c, req)
	answer := func(resp *kmsg.JoinGroupResponse) kmsg.Response {
		resp.Version = req.Version
		if req.Version < 7 && resp.Protocol == nil {
			resp.Protocol = new("")
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

func (b *Broker) join(c *caller, req *kmsg.JoinGroupRequest) (<-chan *kmsg.JoinGroupResponse, string, error) {
	if err := b.authorizeGroup(c, opRead, req.Group); err != nil {
		return nil, req.MemberID, err
	}
	return b.groups.Join(c.client(), req)
}
