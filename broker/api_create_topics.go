package broker

import (
	"errors"
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// createTopicsAPI serves CreateTopics.
//
// The replication factor is 1, or -1 for the default. A replica assignment
// counts as a number of partitions if it names this node.
var createTopicsAPI = api{
	key: 19, min: 0, max: 7,
	handler: handle((*Broker).createTopics),
	schema: wire.Schema{
		wire.List(wire.String, wire.Int32, wire.Int16, wire.List(wire.Int32, wire.Int32s), wire.List(wire.String, wire.String)),
		wire.Int32, wire.Int8.Since(1),
	},
}

// errNamedTwice refuses, as Kafka does, each mention of a topic that a request names
// more than once.
var errNamedTwice = fmt.Errorf("%w: the topic is named twice", kerr.InvalidRequest)

func (b *Broker) createTopics(c *caller, req *kmsg.CreateTopicsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.CreateTopicsResponse)
	seen := map[string]int{}
	for i := range req.Topics {
		seen[req.Topics[i].Topic]++
	}
	for i := range req.Topics {
		rt := &req.Topics[i]
		if seen[rt.Topic] == 0 {
			continue
		}
		st := kmsg.NewCreateTopicsResponseTopic()
		st.Topic = rt.Topic
		st.NumPartitions, st.ReplicationFactor = -1, -1
		if seen[rt.Topic] > 1 {
			seen[rt.Topic] = 0 // one refusal
			st.ErrorCode, st.ErrorMessage = wire.Code(errNamedTwice), wire.Message(errNamedTwice)
		} else if err := b.createTopic(c, rt, req.ValidateOnly, &st); err != nil {
			st.ErrorCode, st.ErrorMessage = wire.Code(err), wire.Message(err)
		}
		resp.Topics = append(resp.Topics, st)
	}
	return resp
}

func (b *Broker) createTopic(c *caller, rt *kmsg.CreateTopicsRequestTopic, validateOnly bool, st *kmsg.CreateTopicsResponseTopic) error {
	if !b.allowed(c, opCreate, resourceCluster, auth.ClusterName) {
		if err := b.authorize(c, opCreate, resourceTopic, rt.Topic); err != nil {
			return err
		}
	}
	partitions, configs, err := b.checkNewTopic(rt)
	if err != nil {
		return err
	}
	if !validateOnly {
		t, err := b.topics.create(rt.Topic, partitions, configs)
		if err != nil {
			return err
		}
		st.TopicID = t.id
	}
	st.NumPartitions, st.ReplicationFactor = int32(partitions), 1
	for _, cfg := range b.topics.describe(configs, false, false) {
		sc := kmsg.NewCreateTopicsResponseTopicConfig()
		sc.Name, sc.Value, sc.Source = cfg.Name, cfg.Value, int8(cfg.Source)
		st.Configs = append(st.Configs, sc)
	}
	return nil
}

func (b *Broker) checkNewTopic(rt *kmsg.CreateTopicsRequestTopic) (partitions int, configs map[string]string, err error) {
	if err := b.topics.checkName(rt.Topic); err != nil {
		return 0, nil, err
	}
	if b.topics.byName(rt.Topic) != nil {
		return 0, nil, fmt.Errorf("%w: topic %q exists", kerr.TopicAlreadyExists, rt.Topic)
	}
	partitions = int(rt.NumPartitions)
	switch {
	case len(rt.ReplicaAssignment) > 0:
		if rt.NumPartitions != -1 || rt.ReplicationFactor != -1 {
			return 0, nil, fmt.Errorf("%w: both an assignment and a number of partitions or replicas", kerr.InvalidRequest)
		}
		if partitions, err = assignedPartitions(rt.ReplicaAssignment, b.cfg.NodeID); err != nil {
			return 0, nil, err
		}
	case rt.NumPartitions == -1:
		partitions = b.cfg.DefaultPartitions
	}
	if partitions < 1 || partitions > maxPartitions {
		return 0, nil, fmt.Errorf("%w: %d partitions, want 1 to %d", kerr.InvalidPartitions, partitions, maxPartitions)
	}
	if rt.ReplicationFactor != -1 && rt.ReplicationFactor != 1 {
		return 0, nil, fmt.Errorf("%w: a replication factor of %d needs as many nodes, and there is one: want 1, or -1 for the default", kerr.InvalidReplicationFactor, rt.ReplicationFactor)
	}
	configs = map[string]string{}
	for _, cfg := range rt.Configs {
		if cfg.Value == nil {
			return 0, nil, fmt.Errorf("%w: %s has no value, only null", kerr.InvalidConfig, cfg.Name)
		}
		if err := checkSetting(cfg.Name, *cfg.Value); err != nil {
			return 0, nil, err
		}
		configs[cfg.Name] = *cfg.Value
	}
	return partitions, configs, nil
}

var errAssignment = errors.New("each partition from 0 on is assigned to the one node once")

func assignedPartitions(as []kmsg.CreateTopicsRequestTopicReplicaAssignment, node int32) (int, error) {
	seen := map[int32]bool{}
	for _, a := range as {
		if seen[a.Partition] || a.Partition < 0 || int(a.Partition) >= len(as) || len(a.Replicas) != 1 || a.Replicas[0] != node {
			return 0, fmt.Errorf("%w: %w", kerr.InvalidReplicaAssignment, errAssignment)
		}
		seen[a.Partition] = true
	}
	return len(as), nil
}
