package broker

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// AlterConfigs and IncrementalAlterConfigs.
//
// The settings of topics are altered; those of the broker are command-line flags. The
// new settings are durable when the response is sent.

var alterConfigsAPI = api{
	key: 33, min: 0, max: 2,
	handler: handle((*Broker).alterConfigs),
	schema:  wire.Schema{wire.List(wire.Int8, wire.String, wire.List(wire.String, wire.String)), wire.Int8},
}

func (b *Broker) alterConfigs(c *caller, req *kmsg.AlterConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterConfigsResponse)
	for i := range req.Resources {
		rr := &req.Resources[i]
		err := b.alterTopic(c, rr.ResourceType, rr.ResourceName, req.ValidateOnly, func(map[string]string) (map[string]string, error) {
			set := map[string]string{}
			for _, cfg := range rr.Configs {
				if cfg.Value == nil {
					return nil, fmt.Errorf("%w: null value for %s", kerr.InvalidConfig, cfg.Name)
				}
				set[cfg.Name] = *cfg.Value
			}
			return set, nil
		})
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
		err := b.alterTopic(c, rr.ResourceType, rr.ResourceName, req.ValidateOnly, func(old map[string]string) (map[string]string, error) {
			return alterIncrementally(old, rr.Configs)
		})
		sr := kmsg.NewIncrementalAlterConfigsResponseResource()
		sr.ResourceType, sr.ResourceName = rr.ResourceType, rr.ResourceName
		sr.ErrorCode, sr.ErrorMessage = wire.Code(err), wire.Message(err)
		resp.Resources = append(resp.Resources, sr)
	}
	return resp
}

// alterTopic replaces a topic's settings by the result of alter.
func (b *Broker) alterTopic(c *caller, kind kmsg.ConfigResourceType, name string, validateOnly bool,
	alter func(map[string]string) (map[string]string, error),
) error {
	if kind != kmsg.ConfigResourceTypeTopic {
		return fmt.Errorf("%w: only the settings of topics can be altered", kerr.InvalidRequest)
	}
	if err := b.authorize(c, opAlterConfigs, resourceTopic, name); err != nil {
		return err
	}
	b.topics.changeMu.Lock()
	defer b.topics.changeMu.Unlock()
	t := b.topics.byName(name)
	if t == nil {
		return kerr.UnknownTopicOrPartition
	}
	set, err := alter(maps.Clone(t.config.Load().set))
	if err != nil {
		return err
	}
	for _, setting := range slices.Sorted(maps.Keys(set)) {
		if err := checkSetting(setting, set[setting]); err != nil {
			return err
		}
	}
	if validateOnly {
		return nil
	}
	row := t.row()
	row.Configs = set
	var commit storage.Commit
	commit.Put(rows.Topics, t.name, rows.Encode(row))
	if err := b.store.Do(&commit); err != nil {
		return err
	}
	t.configure(set)
	return nil
}

func alterIncrementally(set map[string]string, changes []kmsg.IncrementalAlterConfigsRequestResourceConfig) (map[string]string, error) {
	if set == nil {
		set = map[string]string{}
	}
	seen := map[string]bool{}
	for _, ch := range changes {
		s, known := topicSettings[ch.Name]
		switch {
		case !known:
			return nil, fmt.Errorf("%w: unknown topic setting %q", kerr.InvalidConfig, ch.Name)
		case seen[ch.Name]:
			return nil, fmt.Errorf("%w: %s is altered twice", kerr.InvalidRequest, ch.Name)
		case ch.Value == nil && ch.Op != kmsg.IncrementalAlterConfigOpDelete:
			return nil, fmt.Errorf("%w: null value for %s", kerr.InvalidConfig, ch.Name)
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
	split := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
	}
	list := split(have)
	for _, item := range split(items) {
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
