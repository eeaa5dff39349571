package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// heartbeatAPI serves Heartbeat.
var heartbeatAPI = api{
	key: 12, min: 0, max: 4,
	handler: handle((*Broker).heartbeat),
	schema:  wire.Schema{wire.String, wire.Int32, wire.String, wire.String.Since(3)},
}

func (b *Broker) heartbeat(c *caller, req *kmsg.HeartbeatRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.HeartbeatResponse)
	err := b.authorizeGroup(c, opRead, req.Group)
	if err == nil {
		err = b.groups.Heartbeat(req)
	}
	resp.ErrorCode = wire.Code(err)
	return resp
}
