package broker

import (
	"github.com/sightlog/sightlog/broker/internal/rows"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"math"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeGroupsAPI serves DescribeGroups.
//
// A group that is not there is Dead; from v6 on it is GROUP_ID_NOT_FOUND too
// (KIP-1043).
var describeGroupsAPI = api{
	key: 15, min: 0, max: 6,
	handler: handle((*Broker).describeGroups),
	schema:  wire.Schema{wire.Strings, wire.Int8.Since(3)},
}

func (b *Broker) describeGroups(c *caller, req *kmsg.DescribeGroupsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeGroupsResponse)
	for _, name := range req.Groups {
		sg := kmsg.NewDescribeGroupsResponseGroup()
		sg.Group, sg.State, sg.AuthorizedOperations = name, string(groupDead), math.MinInt32
		if err := b.authorize(c, opDescribe, resourceGroup, name); err != nil {
			sg.ErrorCode = wire.Code(err)
		} else if b.describeGroup(name, &sg) {
			sg.AuthorizedOperations = b.operations(c, req.IncludeAuthorizedOperations, resourceGroup, name)
		} else if req.Version >= 6 {
			sg.ErrorCode, sg.ErrorMessage = kerr.GroupIDNotFound.Code, wire.Message(kerr.GroupIDNotFound)
		}
		resp.Groups = append(resp.Groups, sg)
	}
	return resp
}

func (b *Broker) describeGroup(name string, sg *kmsg.DescribeGroupsResponseGroup) (found bool) {
	hasOffsets := len(b.store.Bucket(rows.OffsetsPrefix+name)) > 0
	g := b.groups.lock(name, false)
	if g == nil {
		if hasOffsets {
			sg.State = string(groupEmpty)
		}
		return hasOffsets
	}
	defer g.mu.Unlock()
	if g.state == groupEmpty && !hasOffsets && len(g.promised) == 0 {
		return false
	}
	sg.State, sg.ProtocolType = string(g.state), g.protocolType
	if g.state == groupStable {
		sg.Protocol = g.protocol
	}
	for _, m := range g.ordered() {
		sm := kmsg.NewDescribeGroupsResponseGroupMember()
		sm.MemberID, sm.InstanceID, sm.ClientID, sm.ClientHost = m.id, m.instance, m.clientID, m.host
		if g.state == groupStable {
			sm.ProtocolMetadata, sm.MemberAssignment = m.metadata(g.protocol), m.assignment
		}
		sg.Members = append(sg.Members, sm)
	}
	return true
}
