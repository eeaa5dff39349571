package broker

import (
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AlterPartitionReassignments and ListPartitionReassignments.
//
// There is one node: an assignment to it changes nothing, any other is refused, and no
// reassignment is ever in progress.

var alterPartitionReassignmentsAPI = api{
	key: 45, min: 0, max: 1,
	handler: handle((*Broker).alterPartitionReassignments),
	schema:  wire.Schema{wire.Int32, wire.Int8.Since(1), wire.List(wire.String, wire.List(wire.Int32, wire.Int32s))},
}

func (b *Broker) alterPartitionReassignments(c *caller, req *kmsg.AlterPartitionAssignmentsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterPartitionAssignmentsResponse)
	resp.Topics = []kmsg.AlterPartitionAssignmentsResponseTopic{}
	if err := b.authorize(c, opAlter, resourceCluster, auth.ClusterName); err != nil {
		resp.ErrorCode, resp.ErrorMessage = wire.Code(err), wire.Message(err)
		return resp
	}
	for i := range req.Topics {
		rt := &req.Topics[i]
		st := kmsg.NewAlterPartitionAssignmentsResponseTopic()
		st.Topic = rt.Topic
		for j := range rt.Partitions {
			err := b.reassign(rt.Topic, &rt.Partitions[j])
			sp := kmsg.NewAlterPartitionAssignmentsResponseTopicPartition()
			sp.Partition, sp.ErrorCode, sp.ErrorMessage = rt.Partitions[j].Partition, wire.Code(err), wire.Message(err)
			st.Partitions = append(st.Partitions, sp)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

func (b *Broker) reassign(topic string, rp *kmsg.AlterPartitionAssignmentsRequestTopicPartition) error {
	t := b.topics.byName(topic)
	switch {
	case t == nil || t.partition(rp.Partition) == nil:
		return fmt.Errorf("%w: there is no partition %d of a topic %q", kerr.UnknownTopicOrPartition, rp.Partition, topic)
	case rp.Replicas == nil: // cancels
		return kerr.NoReassignmentInProgress
	case len(rp.Replicas) != 1 || rp.Replicas[0] != b.cfg.NodeID:
		return fmt.Errorf("%w: replicas %v: there is one node, %d", kerr.InvalidReplicaAssignment, rp.Replicas, b.cfg.NodeID)
	}
	return nil
}

var listPartitionReassignmentsAPI = api{
	key: 46, min: 0, max: 0,
	handler: handle((*Broker).listPartitionReassignments),
	schema:  wire.Schema{wire.Int32, wire.List(wire.String, wire.Int32s)},
}

func (b *Broker) listPartitionReassignments(c *caller, req *kmsg.ListPartitionReassignmentsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListPartitionReassignmentsResponse)
	resp.ErrorCode = wire.Code(b.authorize(c, opDescribe, resourceCluster, auth.ClusterName))
	return resp
}
