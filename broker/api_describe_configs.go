package broker

import (
	"maps"
	"slices"
	"strconv"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// describeConfigsAPI serves DescribeConfigs.
//
// Topics have the settings of topic_settings.go; those without effect are described
// too, and say so. Brokers have a few that tools look for; they are read-only.
var describeConfigsAPI = api{
	key: 32, min: 0, max: 4,
	handler: handle((*Broker).describeConfigs),
	schema:  wire.Schema{wire.List(wire.Int8, wire.String, wire.Strings), wire.Int8.Since(1), wire.Int8.Since(3)},
}

func (b *Broker) describeConfigs(c *caller, req *kmsg.DescribeConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	for i := range req.Resources {
		rr := &req.Resources[i]
		sr := kmsg.NewDescribeConfigsResponseResource()
		sr.ResourceType, sr.ResourceName = rr.ResourceType, rr.ResourceName
		configs, err := b.describeResource(c, rr, req)
		if err != nil {
			sr.ErrorCode, sr.ErrorMessage = wire.Code(err), wire.Message(err)
		}
		for _, cfg := range configs {
			if rr.ConfigNames == nil || slices.Contains(rr.ConfigNames, cfg.Name) {
				sr.Configs = append(sr.Configs, cfg)
			}
		}
		resp.Resources = append(resp.Resources, sr)
	}
	return resp
}

func (b *Broker) describeResource(
	c *caller, rr *kmsg.DescribeConfigsRequestResource, req *kmsg.DescribeConfigsRequest,
) ([]kmsg.DescribeConfigsResponseResourceConfig, error) {
	switch rr.ResourceType {
	case kmsg.ConfigResourceTypeTopic:
		if err := validTopicName(rr.ResourceName); err != nil {
			return nil, err
		}
		if err := b.authorize(c, opDescribeConfigs, resourceTopic, rr.ResourceName); err != nil {
			return nil, err
		}
		t := b.topics.byName(rr.ResourceName)
		if t == nil {
			return nil, kerr.UnknownTopicOrPartition
		}
		return describeTopicConfigs(t.config.Load().set, req.IncludeSynonyms, req.IncludeDocumentation), nil
	case kmsg.ConfigResourceTypeBroker:
		if rr.ResourceName != "" && rr.ResourceName != strconv.Itoa(nodeID) {
			return nil, kerr.InvalidRequest
		}
		if err := b.authorize(c, opDescribeConfigs, resourceCluster, auth.ClusterName); err != nil {
			return nil, err
		}
		return b.describeBrokerConfigs(), nil
	default:
		return nil, kerr.InvalidRequest
	}
}

func describeTopicConfigs(set map[string]string, synonyms, docs bool) (out []kmsg.DescribeConfigsResponseResourceConfig) {
	for _, name := range slices.Sorted(maps.Keys(topicSettings)) {
		s := topicSettings[name]
		cfg := kmsg.NewDescribeConfigsResponseResourceConfig()
		cfg.Name, cfg.ConfigType = name, s.kind
		cfg.Value, cfg.Source, cfg.IsDefault = new(s.value), kmsg.ConfigSourceDefaultConfig, true
		if v, ok := set[name]; ok {
			cfg.Value, cfg.Source, cfg.IsDefault = new(v), kmsg.ConfigSourceDynamicTopicConfig, false
		}
		if docs {
			cfg.Documentation = new(s.doc)
		}
		if synonyms {
			if !cfg.IsDefault {
				cfg.ConfigSynonyms = append(cfg.ConfigSynonyms, synonym(name, *cfg.Value, cfg.Source))
			}
			cfg.ConfigSynonyms = append(cfg.ConfigSynonyms, synonym(name, s.value, kmsg.ConfigSourceDefaultConfig))
		}
		out = append(out, cfg)
	}
	return out
}

func synonym(name, value string, source kmsg.ConfigSource) kmsg.DescribeConfigsResponseResourceConfigConfigSynonym {
	s := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
	s.Name, s.Value, s.Source = name, new(value), source
	return s
}

func (b *Broker) describeBrokerConfigs() (out []kmsg.DescribeConfigsResponseResourceConfig) {
	for _, kv := range [][2]string{
		{"auto.create.topics.enable", strconv.FormatBool(!b.cfg.NoAutoCreate)},
		{"broker.id", strconv.Itoa(nodeID)},
		{"default.replication.factor", "1"},
		{"delete.topic.enable", "true"},
		{"group.max.session.timeout.ms", strconv.FormatInt(b.cfg.GroupMaxSession.Milliseconds(), 10)},
		{"group.min.session.timeout.ms", strconv.FormatInt(b.cfg.GroupMinSession.Milliseconds(), 10)},
		{"message.max.bytes", topicSettings["max.message.bytes"].value},
		{"num.partitions", strconv.Itoa(b.cfg.DefaultPartitions)},
		{"offsets.topic.replication.factor", "1"},
		{"socket.request.max.bytes", strconv.Itoa(b.cfg.MaxRequestBytes)},
		{"transaction.max.timeout.ms", strconv.FormatInt(b.cfg.MaxTxnTimeout.Milliseconds(), 10)},
	} {
		cfg := kmsg.NewDescribeConfigsResponseResourceConfig()
		cfg.Name, cfg.Value, cfg.ReadOnly = kv[0], new(kv[1]), true
		cfg.Source, cfg.ConfigType = kmsg.ConfigSourceStaticBrokerConfig, kmsg.ConfigTypeString
		out = append(out, cfg)
	}
	return out
}
