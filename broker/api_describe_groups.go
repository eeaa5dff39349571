package broker

import (
	"math"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeGroupsAPI serves DescribeGroups.
//
// A group that does not exist is Dead; from v6 on it is GROUP_ID_NOT_FOUND too
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
		sg.Group, sg.State, sg.AuthorizedOperations = name, "Dead", math.MinInt32
		if err := b.authorize(c, opDescribe, resourceGroup, name); err != nil {
			sg.ErrorCode = wire.Code(err)
		} else if b.groups.Describe(name, &sg) {
			sg.AuthorizedOperations = b.operations(c, req.IncludeAuthorizedOperations, resourceGroup, name)
		} else if req.Version >= 6 {
			sg.ErrorCode, sg.ErrorMessage = kerr.GroupIDNotFound.Code, wire.Message(kerr.GroupIDNotFound)
		}
		resp.Groups = append(resp.Groups, sg)
	}
	return resp
}
