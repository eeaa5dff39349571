package group

import (
	"maps"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeConsumers fills in the state and the members of a group of the consumer
// protocol, and reports whether the group exists.
func (c *Coordinator) DescribeConsumers(name string, sg *kmsg.ConsumerGroupDescribeResponseGroup) (found bool) {
	g, err := c.lockConsumer(name)
	if err != nil {
		return false
	}
	defer g.mu.Unlock()
	g.describe(sg)
	return true
}

func (g *consumerGroup) describe(sg *kmsg.ConsumerGroupDescribeResponseGroup) {
	names := map[wire.UUID]string{}
	for _, t := range g.opt.Topics() {
		names[t.ID] = t.Name
	}
	sg.State, sg.Epoch, sg.AssignmentEpoch, sg.AssignorName = g.state(), g.epoch, g.epoch, g.assignor
	for _, id := range slices.Sorted(maps.Keys(g.members)) {
		m := g.members[id]
		sm := kmsg.NewConsumerGroupDescribeResponseGroupMember()
		sm.MemberID, sm.InstanceID, sm.RackID, sm.MemberEpoch = m.id, m.instance, m.rack, m.epoch
		sm.ClientID, sm.ClientHost, sm.SubscribedTopics = m.clientID, m.host, m.topics
		if m.regexText != "" {
			sm.SubscribedTopicRegex = new(m.regexText)
		}
		sm.Assignment, sm.TargetAssignment = m.assigned.describe(names), m.target.describe(names)
		sm.MemberType = 1
		sg.Members = append(sg.Members, sm)
	}
}

func (s partitionSet) describe(names map[wire.UUID]string) (out kmsg.Assignment) {
	for id, partitions := range s.byTopic() {
		t := kmsg.NewAssignmentTopicPartition()
		t.TopicID, t.Topic, t.Partitions = id, names[id], partitions
		out.TopicPartitions = append(out.TopicPartitions, t)
	}
	return out
}
