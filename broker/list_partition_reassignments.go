package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// ListPartitionReassignments (key 46), v0.
//
// With one node nothing is ever reassigned; tools ask all the same.

func (b *Broker) listPartitionReassignments(c *caller, req *kmsg.ListPartitionReassignmentsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ListPartitionReassignmentsResponse)
	resp.ErrorCode = code(b.authorize(c, opDescribe, resourceCluster, clusterName))
	return resp
}
