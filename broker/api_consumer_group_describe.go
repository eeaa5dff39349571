package broker

import (
	"math"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// consumerGroupDescribeAPI serves ConsumerGroupDescribe.
var consumerGroupDescribeAPI = api{
	key: 69, min: 0, max: 1,
	handler: handle((*Broker).consumerGroupDescribe),
	schema:  wire.Schema{wire.Strings, wire.Int8},
}

func (b *Broker) consumerGroupDescribe(c *caller, req *kmsg.ConsumerGroupDescribeRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ConsumerGroupDescribeResponse)
	for _, name := range req.Groups {
		sg := kmsg.NewConsumerGroupDescribeResponseGroup()
		sg.Group, sg.AuthorizedOperations = name, math.MinInt32
		if err := b.authorize(c, opDescribe, resourceGroup, name); err != nil {
			sg.ErrorCode = wire.Code(err)
		} else if !b.groups.DescribeConsumers(name, &sg) {
			sg.ErrorCode, sg.ErrorMessage = kerr.GroupIDNotFound.Code, wire.Message(kerr.GroupIDNotFound)
		} else {
			sg.AuthorizedOperations = b.operations(c, req.IncludeAuthorizedOperations, resourceGroup, name)
		}
		resp.Groups = append(resp.Groups, sg)
	}
	return resp
}
