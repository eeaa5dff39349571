package broker

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AlterConfigs and IncrementalAlterConfigs.
//
// The settings of topics and groups are altered, of the broker's those that are the defaults of
// topics (the others are given when it starts), and the levels of its loggers, which are those
// of the configuration again after a restart. The others are durable when the response is sent.

var alterConfigsAPI = api{
	key: 33, min: 0, max: 2,
	handler: handle((*Broker).alterConfigs),
	schema:  wire.Schema{wire.List(wire.Int8, wire.String, wire.List(wire.String, wire.String)), wire.Int8},
}

func (b *Broker) alterConfigs(c *caller, req *kmsg.AlterConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterConfigsResponse)
	for i := range req.Resources {
		rr := &req.Resources[i]
		alter := func(map[string]string, settingOf) (map[string]string, error) {
			set := map[string]string{}
			for _, cfg := range rr.Configs {
				if cfg.Value == nil {
					return nil, fmt.Errorf("%w: %s has no value, only null", kerr.InvalidConfig, cfg.Name)
				}
				set[cfg.Name] = *cfg.Value
			}
			return set, nil
		}
		err := b.alter(c, rr.ResourceType, rr.ResourceName, req.ValidateOnly, alter)
		sr := kmsg.NewAlterConfigsResponseResource()
		sr.ResourceType, sr.ResourceName = rr.ResourceType, rr.ResourceName
		sr.ErrorCode, sr.ErrorMessage = wire.Code(err), wire.Message(err)
		resp.Resources = append(resp.Resources, sr)
	}
	return resp
}

var incrementalAlterConfigsAPI = api{
	key: 44, min: 0, max: 1,
	handler: handle((*Broker).incrementalAlterConfigs),
	schema:  wire.Schema{wire.List(wire.Int8, wire.String, wire.List(wire.String, wire.Int8, wire.String)), wire.Int8},
}

func (b *Broker) incrementalAlterConfigs(c *caller, req *kmsg.IncrementalAlterConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	for i := range req.Resources {
		rr := &req.Resources[i]
		alter := func(old map[string]string, of settingOf) (map[string]string, error) {
			return alterIncrementally(old, rr.Configs, of)
		}
		err := b.alter(c, rr.ResourceType, rr.ResourceName, req.ValidateOnly, alter)
		sr := kmsg.NewIncrementalAlterConfigsResponseResource()
		sr.ResourceType, sr.ResourceName = rr.ResourceType, rr.ResourceName
		sr.ErrorCode, sr.ErrorMessage = wire.Code(err), wire.Message(err)
		resp.Resources = append(resp.Resources, sr)
	}
	return resp
}

// settingOf returns the setting that a name means. Its default is the value in force without
// the settings that are altered.
type settingOf func(name string) (setting, error)

// topicSetting is the settingOf topics: what was altered for all topics is the default.
func (ts *topics) topicSetting(name string) (setting, error) {
	s, err := topicSetting(name)
	if err == nil {
		s.value = ts.values(name, nil)[0].value
	}
	return s, err
}

// replicationLimits are settings of Kafka's brokers that tools remove after a reassignment.
var replicationLimits = []string{
	"follower.replication.throttled.rate", "leader.replication.throttled.rate", "replica.alter.log.dirs.io.max.bytes.per.second",
}

// defaultSetting is the settingOf the broker: the default of its topics.
func (ts *topics) defaultSetting(name string) (setting, error) {
	topic, known := topicDefaults[name]
	if known {
		s := topicSettings[topic]
		if v, given := ts.cfg.TopicDefaults[topic]; given {
			s.value = v
		}
		return s, nil
	}
	if slices.Contains(replicationLimits, name) {
		refuse := func(string) error { return errors.New("there is one node, which replicates nothing") }
		return setting{kind: long, check: refuse}, nil
	}
	if _, known = brokerSettings[name]; known {
		return setting{}, fmt.Errorf("%w: %s cannot be altered while the broker runs: give it by --broker-settings at its start", kerr.InvalidRequest, name)
	}
	return setting{}, fmt.Errorf("%w: unknown broker setting %q", kerr.InvalidConfig, name)
}

// alterer returns the settings that replace the old ones.
type alterer func(old map[string]string, of settingOf) (map[string]string, error)

// alter replaces the settings of a topic or of the broker.
func (b *Broker) alter(c *caller, kind kmsg.ConfigResourceType, name string, validateOnly bool, alter alterer) error {
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		if err := b.authorize(c, opAlterConfigs, resourceTopic, name); err != nil {
			return err
		}
		b.topics.changeMu.Lock()
		defer b.topics.changeMu.Unlock()
		t := b.topics.byName(name)
		if t == nil {
			return noTopic(name)
		}
		set, err := altered(t.config.Load().set, alter, b.topics.topicSetting)
		if err != nil || validateOnly {
			return err
		}
		row := t.row()
		row.Configs = set
		var commit storage.Commit
		commit.Put(rows.Topics, t.name, rows.Encode(row))
		if err := b.store.Do(&commit); err != nil {
			return err
		}
		b.topics.configure(t, set)
		return nil
	case kmsg.ConfigResourceTypeBroker:
		if err := b.authorize(c, opAlterConfigs, resourceCluster, auth.ClusterName); err != nil {
			return err
		}
		if !b.isNode(name) {
			return fmt.Errorf("%w: there is no broker %q, only node %d", kerr.InvalidRequest, name, b.cfg.NodeID)
		}
		b.topics.changeMu.Lock()
		defer b.topics.changeMu.Unlock()
		set, err := altered(*b.topics.altered.Load(), alter, b.topics.defaultSetting)
		if err != nil || validateOnly {
			return err
		}
		return b.topics.alterDefaults(set)
	case kmsg.ConfigResourceTypeGroupConfig:
		if err := b.authorizeGroup(c, opAlterConfigs, name); err != nil {
			return err
		}
		b.groupConfs.changeMu.Lock()
		defer b.groupConfs.changeMu.Unlock()
		set, err := altered(b.groupConfs.of(name), alter, b.groupConfs.setting)
		if err == nil {
			err = b.groupConfs.check(set)
		}
		if err != nil || validateOnly {
			return err
		}
		return b.groupConfs.replace(name, set)
	case kmsg.ConfigResourceTypeBrokerLogger:
		if err := b.authorize(c, opAlterConfigs, resourceCluster, auth.ClusterName); err != nil {
			return err
		}
		if err := b.checkLoggersOf(name); err != nil {
			return err
		}
		b.loggers.changeMu.Lock()
		defer b.loggers.changeMu.Unlock()
		set, err := altered(b.loggers.altered(), alter, b.loggers.setting)
		if err != nil || validateOnly {
			return err
		}
		b.loggers.replace(set)
		return nil
	}
	return fmt.Errorf("%w: only topics, brokers, groups and loggers have settings that can be altered", kerr.InvalidRequest)
}

// altered returns the result of alter, checked.
func altered(old map[string]string, alter alterer, of settingOf) (map[string]string, error) {
	set, err := alter(maps.Clone(old), of)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(set)) {
		s, err := of(name)
		if err != nil {
			return nil, err
		}
		if err := s.valid(name, set[name]); err != nil {
			return nil, err
		}
	}
	return set, nil
}

func alterIncrementally(set map[string]string, changes []kmsg.IncrementalAlterConfigsRequestResourceConfig, of settingOf) (map[string]string, error) {
	if set == nil {
		set = map[string]string{}
	}
	seen := map[string]bool{}
	for _, ch := range changes {
		s, err := of(ch.Name)
		switch {
		case err != nil:
			return nil, err
		case seen[ch.Name]:
			return nil, fmt.Errorf("%w: %s is altered twice", kerr.InvalidRequest, ch.Name)
		case ch.Value == nil && ch.Op != kmsg.IncrementalAlterConfigOpDelete:
			return nil, fmt.Errorf("%w: %s has no value, only null", kerr.InvalidConfig, ch.Name)
		}
		seen[ch.Name] = true
		switch ch.Op {
		case kmsg.IncrementalAlterConfigOpSet:
			set[ch.Name] = *ch.Value
		case kmsg.IncrementalAlterConfigOpDelete:
			delete(set, ch.Name)
		case kmsg.IncrementalAlterConfigOpAppend, kmsg.IncrementalAlterConfigOpSubtract:
			if s.kind != kmsg.ConfigTypeList {
				return nil, fmt.Errorf("%w: %s is not a list", kerr.InvalidConfig, ch.Name)
			}
			have, ok := set[ch.Name]
			if !ok {
				have = s.value
			}
			set[ch.Name] = alterList(have, *ch.Value, ch.Op == kmsg.IncrementalAlterConfigOpAppend)
		default:
			return nil, fmt.Errorf("%w: unknown operation %d", kerr.InvalidRequest, ch.Op)
		}
	}
	return set, nil
}

// alterList adds items to a list setting, or removes them.
func alterList(have, items string, add bool) string {
	list := splitList(have)
	for _, item := range splitList(items) {
		i := slices.Index(list, item)
		switch {
		case add && i < 0:
			list = append(list, item)
		case !add && i >= 0:
			list = slices.Delete(list, i, i+1)
		}
	}
	return strings.Join(list, ",")
}
