package broker

import (
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// electLeadersAPI serves ElectLeaders.
//
// The one node leads every partition, so no election is needed: partitions that are
// named are answered with ELECTION_NOT_NEEDED, and a request for all with none.
var electLeadersAPI = api{
	key: 43, min: 0, max: 2,
	handler: handle((*Broker).electLeaders),
	schema:  wire.Schema{wire.Int8.Since(1), wire.List(wire.String, wire.Int32s), wire.Int32},
}

func (b *Broker) electLeaders(c *caller, req *kmsg.ElectLeadersRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ElectLeadersResponse)
	resp.Topics = []kmsg.ElectLeadersResponseTopic{}
	if err := b.authorize(c, opAlter, resourceCluster, auth.ClusterName); err != nil {
		resp.ErrorCode = wire.Code(err)
		return resp
	}
	if req.ElectionType != 0 && req.ElectionType != 1 { // preferred, unclean
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp
	}
	for i := range req.Topics {
		rt := &req.Topics[i]
		t := b.topics.byName(rt.Topic)
		st := kmsg.NewElectLeadersResponseTopic()
		st.Topic = rt.Topic
		for _, partition := range rt.Partitions {
			var err error = kerr.UnknownTopicOrPartition
			if t != nil && t.partition(partition) != nil {
				err = fmt.Errorf("%w: node %d leads it", kerr.ElectionNotNeeded, b.cfg.NodeID)
			}
			sp := kmsg.NewElectLeadersResponseTopicPartition()
			sp.Partition, sp.ErrorCode, sp.ErrorMessage = partition, wire.Code(err), wire.Message(err)
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}
