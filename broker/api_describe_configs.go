package broker

import (
	"fmt"
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
// too, and say so. The broker has those of settings.go, and the defaults of its topics,
// which alone can be altered while it runs. Groups have those of group_settings.go, also those
// that do not exist yet, and the loggers of loggers.go their level.
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
			return nil, noTopic(rr.ResourceName)
		}
		return b.topics.describe(t.config.Load().set, req.IncludeSynonyms, req.IncludeDocumentation), nil
	case kmsg.ConfigResourceTypeBroker:
		if !b.isNode(rr.ResourceName) {
			return nil, fmt.Errorf("%w: there is no broker %q, only node %d", kerr.InvalidRequest, rr.ResourceName, b.cfg.NodeID)
		}
		if err := b.authorize(c, opDescribeConfigs, resourceCluster, auth.ClusterName); err != nil {
			return nil, err
		}
		return b.describeBrokerConfigs(rr.ResourceName == "", req.IncludeSynonyms, req.IncludeDocumentation), nil
	case kmsg.ConfigResourceTypeGroupConfig:
		if err := b.authorizeGroup(c, opDescribeConfigs, rr.ResourceName); err != nil {
			return nil, err
		}
		return b.groupConfs.describe(rr.ResourceName, req.IncludeSynonyms, req.IncludeDocumentation), nil
	case kmsg.ConfigResourceTypeBrokerLogger:
		if err := b.authorize(c, opDescribeConfigs, resourceCluster, auth.ClusterName); err != nil {
			return nil, err
		}
		if err := b.checkLoggersOf(rr.ResourceName); err != nil {
			return nil, err
		}
		return b.loggers.describe(req.IncludeDocumentation), nil
	default:
		return nil, fmt.Errorf("%w: only topics, brokers, groups and loggers have settings", kerr.InvalidRequest)
	}
}

// checkLoggersOf returns an error unless the name is this node's, whose loggers are meant.
func (b *Broker) checkLoggersOf(name string) error {
	if name == "" || !b.isNode(name) {
		return fmt.Errorf("%w: there are no loggers of a broker %q, only those of node %d", kerr.InvalidRequest, name, b.cfg.NodeID)
	}
	return nil
}

// isNode reports whether the name of a broker resource means this node: its id, or the
// empty name, which stands for all.
func (b *Broker) isNode(name string) bool {
	return name == "" || name == strconv.Itoa(int(b.cfg.NodeID))
}

// describeBrokerConfigs returns the settings of the broker, or only those that were altered
// for all brokers.
func (b *Broker) describeBrokerConfigs(altered, synonyms, docs bool) (out []kmsg.DescribeConfigsResponseResourceConfig) {
	for _, name := range slices.Sorted(maps.Keys(topicDefaults)) {
		topic := topicDefaults[name]
		values := b.topics.values(topic, nil)
		if altered && values[0].source != kmsg.ConfigSourceDynamicDefaultBrokerConfig {
			continue
		}
		out = append(out, describeSetting(name, topicSettings[topic].kind, topicSettings[topic].doc, values, synonyms, docs))
	}
	if altered {
		return out
	}
	byDefault := Config{}.withDefaults()
	for _, name := range slices.Sorted(maps.Keys(brokerSettings)) {
		s := brokerSettings[name]
		values := []settingValue{{name, s.get(&byDefault), kmsg.ConfigSourceDefaultConfig}}
		if v := s.get(&b.cfg); v != values[0].value {
			values = slices.Insert(values, 0, settingValue{name, v, kmsg.ConfigSourceStaticBrokerConfig})
		}
		cfg := describeSetting(name, s.kind, s.doc, values, synonyms, docs)
		cfg.ReadOnly = true
		out = append(out, cfg)
	}
	for _, fixed := range [][2]string{ // which tools look for
		{"broker.id", strconv.Itoa(int(b.cfg.NodeID))}, {"default.replication.factor", "1"},
		{"delete.topic.enable", "true"}, {"offsets.topic.replication.factor", "1"},
	} {
		cfg := describeSetting(fixed[0], text, "cannot be set", []settingValue{{fixed[0], fixed[1], kmsg.ConfigSourceDefaultConfig}}, synonyms, docs)
		cfg.ReadOnly = true
		out = append(out, cfg)
	}
	return out
}
