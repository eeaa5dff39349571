package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// FindCoordinator (key 10), v0-6.
//
// The one node coordinates every group (type 0) and transaction (1). There are
// no share groups (2).

func (b *Broker) findCoordinator(c *caller, req *kmsg.FindCoordinatorRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.FindCoordinatorResponse)
	find := func(string) error {
		if req.CoordinatorType != 0 && req.CoordinatorType != 1 {
			return kerr.InvalidRequest
		}
		return nil
	}
	if req.Version < 4 {
		if err := find(req.CoordinatorKey); err != nil {
			resp.ErrorCode, resp.ErrorMessage = code(err), message(err)
			resp.NodeID, resp.Port = -1, -1
			return resp
		}
		resp.NodeID, resp.Host, resp.Port = nodeID, b.host, b.port
		return resp
	}
	for _, key := range req.CoordinatorKeys {
		sc := kmsg.NewFindCoordinatorResponseCoordinator()
		sc.Key = key
		if err := find(key); err != nil {
			sc.ErrorCode, sc.ErrorMessage = code(err), message(err)
			sc.NodeID, sc.Port = -1, -1
		} else {
			sc.NodeID, sc.Host, sc.Port = nodeID, b.host, b.port
		}
		resp.Coordinators = append(resp.Coordinators, sc)
	}
	return resp
}
