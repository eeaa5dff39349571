package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// findCoordinatorAPI serves FindCoordinator.
//
// The one node coordinates every group (type 0) and transaction (1). There are
// no share groups (2).
var findCoordinatorAPI = api{
	key: 10, min: 0, max: 6,
	handler: handle((*Broker).findCoordinator),
	schema:  wire.Schema{wire.String.Through(3), wire.Int8.Since(1), wire.Strings.Since(4)},
}

func (b *Broker) findCoordinator(c *caller, req *kmsg.FindCoordinatorRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
	find := func(key string) error {
		switch req.CoordinatorType {
		case 0:
			return b.authorize(c, opDescribe, resourceGroup, key)
		case 1:
			return b.authorize(c, opDescribe, resourceTxn, key)
		}
		return kerr.InvalidRequest
	}
	if req.Version < 4 {
		if err := find(req.CoordinatorKey); err != nil {
			resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
			resp.NodeID, resp.Port = -1, -1
			return resp
		}
		resp.NodeID, resp.Host, resp.Port = b.cfg.NodeID, b.host, b.port
		return resp
	}
	for _, key := range req.CoordinatorKeys {
		sc := kmsg.NewFindCoordinatorResponseCoordinator()
		sc.Key = key
		if err := find(key); err != nil {
			sc.ErrorCode, sc.ErrorMessage = wire.Code(err), wire.Message(err)
			sc.NodeID, sc.Port = -1, -1
		} else {
			sc.NodeID, sc.Host, sc.Port = b.cfg.NodeID, b.host, b.port
		}
		resp.Coordinators = append(resp.Coordinators, sc)
	}
	return resp
}
