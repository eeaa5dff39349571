package broker

import (
	"errors"
	"math"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// metadataAPI serves Metadata.
//
// One node leads every partition. A topic that is requested by name and does not exist
// is created, if the request and the broker's configuration allow that.
var metadataAPI = api{
	key: 3, min: 0, max: 13,
	handler: handle((*Broker).metadata),
	schema: wire.Schema{
		wire.List(wire.ID.Since(10), wire.String), wire.Int8.Since(4), wire.Int8.Through(10).Since(8), wire.Int8.Since(8),
	},
}

func (b *Broker) metadata(c *caller, req *kmsg.MetadataRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.MetadataResponse)
	node := kmsg.NewMetadataResponseBroker()
	node.NodeID, node.Host, node.Port = b.cfg.NodeID, b.host, b.port
	resp.Brokers = append(resp.Brokers, node)
	resp.ClusterID = new(b.clusterID)
	resp.ControllerID = b.cfg.NodeID
	resp.AuthorizedOperations = b.operations(c, req.IncludeClusterAuthorizedOperations, resourceCluster, auth.ClusterName)
	withOps := req.IncludeTopicAuthorizedOperations
	if req.Topics == nil || req.Version == 0 && len(req.Topics) == 0 {
		for _, t := range b.topics.all() {
			if b.allowed(c, opDescribe, resourceTopic, t.name) {
				resp.Topics = append(resp.Topics, b.describeTopic(c, t, withOps))
			}
		}
		return resp
	}
	create := !b.cfg.NoAutoCreate && (req.Version < 4 || req.AllowAutoTopicCreation)
	for i := range req.Topics {
		rt := &req.Topics[i]
		t, err := b.metadataTopic(c, rt, create)
		if err != nil {
			st := kmsg.NewMetadataResponseTopic()
			st.Topic, st.TopicID, st.ErrorCode = rt.Topic, rt.TopicID, wire.Code(err)
			if st.Topic == nil && req.Version < 12 {
				st.Topic = new("")
			}
			st.AuthorizedOperations = math.MinInt32
			resp.Topics = append(resp.Topics, st)
			continue
		}
		resp.Topics = append(resp.Topics, b.describeTopic(c, t, withOps))
	}
	return resp
}

func (b *Broker) metadataTopic(c *caller, rt *kmsg.MetadataRequestTopic, create bool) (*topic, error) {
	if rt.Topic == nil || *rt.Topic == "" && rt.TopicID != [16]byte{} {
		if t := b.topics.byID(rt.TopicID); t != nil {
			return t, b.authorize(c, opDescribe, resourceTopic, t.name)
		}
		return nil, kerr.UnknownTopicID
	}
	name := *rt.Topic
	if err := b.authorize(c, opDescribe, resourceTopic, name); err != nil {
		return nil, err
	}
	if t := b.topics.byName(name); t != nil {
		return t, nil
	}
	if err := validTopicName(name); err != nil {
		return nil, err
	}
	if !create {
		return nil, kerr.UnknownTopicOrPartition
	}
	if !b.allowed(c, opCreate, resourceCluster, auth.ClusterName) {
		if err := b.authorize(c, opCreate, resourceTopic, name); err != nil {
			return nil, err
		}
	}
	t, err := b.topics.create(name, b.cfg.DefaultPartitions, nil)
	if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return nil, err
	}
	return t, nil
}

func (b *Broker) describeTopic(c *caller, t *topic, withOps bool) kmsg.MetadataResponseTopic {
	st := kmsg.NewMetadataResponseTopic()
	st.Topic, st.TopicID = new(t.name), t.id
	st.AuthorizedOperations = b.operations(c, withOps, resourceTopic, t.name)
	for _, p := range t.partitions() {
		sp := kmsg.NewMetadataResponseTopicPartition()
		sp.Partition, sp.Leader, sp.LeaderEpoch = p.index, b.cfg.NodeID, b.store.Epoch()
		sp.Replicas, sp.ISR = []int32{b.cfg.NodeID}, []int32{b.cfg.NodeID}
		st.Partitions = append(st.Partitions, sp)
	}
	return st
}
