package broker

import (
	"math"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// operationsOf are what may be done to the kinds of resources (KIP-430).
var operationsOf = map[kmsg.ACLResourceType][]kmsg.ACLOperation{
	resourceTopic:   {opRead, opWrite, opCreate, opDelete, opAlter, opDescribe, opDescribeConfigs, opAlterConfigs},
	resourceGroup:   {opRead, opDelete, opDescribe},
	resourceCluster: {opCreate, opAlter, opDescribe, opClusterAction, opDescribeConfigs, opAlterConfigs, kmsg.ACLOperationIdempotentWrite},
}

// operations returns the operations that the caller may do to the resource, a
// bit for each, or what says that they were not asked for.
func (b *Broker) operations(c *caller, asked bool, kind kmsg.ACLResourceType, name string) int32 {
	if !asked {
		return math.MinInt32
	}
	var bits int32
	for _, op := range operationsOf[kind] {
		if b.may(c, op, kind, name) {
			bits |= 1 << op
		}
	}
	return bits
}
