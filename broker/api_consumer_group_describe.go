package broker

import (
	"github.com/sightlog/sightlog/broker/internal/wire"

	"maps"
	"math"
	"slices"

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
		} else if g, err := b.groups.lockConsumer(name, false); err != nil {
			sg.ErrorCode, sg.ErrorMessage = kerr.GroupIDNotFound.Code, wire.Message(kerr.GroupIDNotFound)
		} else {
			g.describe(&sg)
			g.mu.Unlock()
			sg.AuthorizedOperations = b.operations(c, req.IncludeAuthorizedOperations, resourceGroup, name)
		}
		resp.Groups = append(resp.Groups, sg)
	}
	return resp
}

func (g *consumerGroup) describe(sg *kmsg.ConsumerGroupDescribeResponseGroup) {
	sg.State, sg.Epoch, sg.AssignmentEpoch, sg.AssignorName = g.state(), g.epoch, g.epoch, g.assignor
	for _, id := range slices.Sorted(maps.Keys(g.members)) {
		m := g.members[id]
		sm := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		sm.MemberID, sm.InstanceID, sm.RackID, sm.MemberEpoch = m.id, m.instance, m.rack, m.epoch
		sm.ClientID, sm.ClientHost, sm.SubscribedTopics = m.clientID, m.host, m.topics
		if m.regexText != "" {
			sm.SubscribedTopicRegex = kmsg.StringPtr(m.regexText)
		}
		sm.Assignment, sm.TargetAssignment = g.describeSet(m.assigned), g.describeSet(m.target)
		sm.MemberType = 1
		sg.Members = append(sg.Members, sm)
	}
}

func (g *consumerGroup) describeSet(s partitionSet) (out kmsg.Assignment) {
	for id, partitions := range s.byTopic() {
		t := kmsg.NewAssignmentTopicPartition()
		t.TopicID, t.Partitions = id, partitions
		if topic := g.b.topics.identified(id); topic != nil {
			t.Topic = topic.name
		}
		out.TopicPartitions = append(out.TopicPartitions, t)
	}
	return out
}
