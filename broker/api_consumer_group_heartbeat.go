package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumerGroupHeartbeatAPI serves ConsumerGroupHeartbeat (KIP-848).
//
// Assignors: uniform (the default) and range. A regular expression matches
// whole topic names and is Go's RE2. The heartbeat interval is a second.
var consumerGroupHeartbeatAPI = api{
	key: 68, min: 0, max: 1,
	handler: handle((*Broker).consumerGroupHeartbeat),
	schema: wire.Schema{
		wire.String, wire.String, wire.Int32, wire.String, wire.String, wire.Int32, wire.Strings, wire.String.Since(1), wire.String,
		wire.List(wire.ID, wire.Int32s),
	},
}

func (b *Broker) consumerGroupHeartbeat(c *caller, req *kmsg.ConsumerGroupHeartbeatRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ConsumerGroupHeartbeatResponse)
	err := b.authorizeGroup(c, opRead, req.Group)
	if err == nil {
		err = b.groups.ConsumerHeartbeat(c.client(), req, resp)
	}
	resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
	return resp
}
