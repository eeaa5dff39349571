package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"

	"github.com/twmb/franz-go/pkg/kerr"
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
	resp.ErrorCode = wire.Code(b.beat(c, req))
	return resp
}

func (b *Broker) beat(c *caller, req *kmsg.HeartbeatRequest) error {
	if err := checkGroupID(req.Group); err != nil {
		return err
	}
	if err := b.authorize(c, opRead, resourceGroup, req.Group); err != nil {
		return err
	}
	g := b.groups.lock(req.Group, false)
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
	g.touch(m)
	if g.state == groupPreparing {
		return kerr.RebalanceInProgress
	}
	return nil
}
