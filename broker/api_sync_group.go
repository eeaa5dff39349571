package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// syncGroupAPI serves SyncGroup.
var syncGroupAPI = api{
	key: 14, min: 0, max: 5,
	handler: handleDeferred((*Broker).syncGroup),
	schema: wire.Schema{
		wire.String, wire.Int32,
		wire.String, wire.String.Since(3),
		wire.String.Since(5),
		wire.String.Since(5),
		wire.List(wire.String, wire.Bytes),
	},
}

func (b *Broker) syncGroup(c *caller, req *kmsg.SyncGroupRequest) reply {
	var wait <-chan *kmsg.SyncGroupResponse
	err := b.authorizeGroup(c, opRead, req.Group)
	if err == nil {
		wait, err = b.groups.Sync(req)
	}
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
