package broker

import (
	"math"

	"github.com/sightlog/sightlog/broker/internal/group"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Short names of the operations and resource types that handlers check.
const (
	opRead            = kmsg.ACLOperationRead
	opWrite           = kmsg.ACLOperationWrite
	opCreate          = kmsg.ACLOperationCreate
	opDelete          = kmsg.ACLOperationDelete
	opAlter           = kmsg.ACLOperationAlter
	opDescribe        = kmsg.ACLOperationDescribe
	opDescribeConfigs = kmsg.ACLOperationDescribeConfigs
	opAlterConfigs    = kmsg.ACLOperationAlterConfigs
	opClusterAction   = kmsg.ACLOperationClusterAction

	resourceTopic   = kmsg.ACLResourceTypeTopic
	resourceGroup   = kmsg.ACLResourceTypeGroup
	resourceCluster = kmsg.ACLResourceTypeCluster
	resourceTxn     = kmsg.ACLResourceTypeTransactionalId
)

// authorize returns nil if the caller may do op to the resource, and otherwise the
// kind's authorization error. Without ACLs everything is allowed.
func (b *Broker) authorize(c *caller, op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) error {
	if b.allowed(c, op, kind, name) {
		return nil
	}
	switch kind {
	case resourceTopic:
		return kerr.TopicAuthorizationFailed
	case resourceGroup:
		return kerr.GroupAuthorizationFailed
	case resourceTxn:
		return kerr.TransactionalIDAuthorizationFailed
	}
	return kerr.ClusterAuthorizationFailed
}

// authorizeGroup is authorize for a group, whose id it checks before.
func (b *Broker) authorizeGroup(c *caller, op kmsg.ACLOperation, name string) error {
	if err := group.CheckID(name); err != nil {
		return err
	}
	return b.authorize(c, op, resourceGroup, name)
}

// allowed reports whether the caller may do op to the resource.
func (b *Broker) allowed(c *caller, op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
	return !b.cfg.ACLs || b.acls.Allows(c.user(), c.host(), op, kind, name)
}

// operationsOf are the operations that exist for each type of resource (KIP-430).
var operationsOf = map[kmsg.ACLResourceType][]kmsg.ACLOperation{
	resourceTopic:   {opRead, opWrite, opCreate, opDelete, opAlter, opDescribe, opDescribeConfigs, opAlterConfigs},
	resourceGroup:   {opRead, opDelete, opDescribe},
	resourceCluster: {opCreate, opAlter, opDescribe, opClusterAction, opDescribeConfigs, opAlterConfigs, kmsg.ACLOperationIdempotentWrite},
}

// operations returns the operations that the caller may do to the resource, one bit
// each, or the least int32 if the request did not ask for them.
func (b *Broker) operations(c *caller, asked bool, kind kmsg.ACLResourceType, name string) int32 {
	if !asked {
		return math.MinInt32
	}
	var bits int32
	for _, op := range operationsOf[kind] {
		if b.allowed(c, op, kind, name) {
			bits |= 1 << op
		}
	}
	return bits
}
