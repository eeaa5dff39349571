package broker

import (
	"maps"
	"slices"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// alterDefaults replaces the settings of the broker that were altered, and configures every
// topic anew. changeMu is held. The change is durable when it returns.
func (ts *topics) alterDefaults(altered map[string]string) error {
	var c storage.Commit
	for name := range *ts.altered.Load() {
		if _, kept := altered[name]; !kept {
			c.Delete(rows.Settings, name)
		}
	}
	for name, value := range altered {
		c.Put(rows.Settings, name, rows.Encode(value))
	}
	if c.Empty() {
		return nil
	}
	if err := ts.store.Do(&c); err != nil {
		return err
	}
	ts.setDefaults(altered)
	for _, t := range ts.all() {
		ts.configure(t, t.config.Load().set)
	}
	return nil
}

// settingValue is a value that a setting has, or would have without those before it.
type settingValue struct {
	name, value string
	source      kmsg.ConfigSource
}

// values returns the values of a topic setting, the effective one first, under names as a
// description gives them. set are the topic's own settings.
func (ts *topics) values(name string, set map[string]string) (out []settingValue) {
	if v, ok := set[name]; ok {
		out = append(out, settingValue{name, v, kmsg.ConfigSourceDynamicTopicConfig})
	}
	byBroker := brokerNames[name]
	if v, ok := (*ts.altered.Load())[byBroker]; ok {
		out = append(out, settingValue{byBroker, v, kmsg.ConfigSourceDynamicDefaultBrokerConfig})
	}
	if v, ok := ts.cfg.TopicDefaults[name]; ok {
		out = append(out, settingValue{byBroker, v, kmsg.ConfigSourceStaticBrokerConfig})
	}
	if byBroker == "" {
		byBroker = name
	}
	return append(out, settingValue{byBroker, topicSettings[name].value, kmsg.ConfigSourceDefaultConfig})
}

// brokerNames are topicDefaults, by the names of topic settings.
var brokerNames = func() map[string]string {
	out := map[string]string{}
	for broker, topic := range topicDefaults {
		out[topic] = broker
	}
	return out
}()

// describe returns the settings of a topic whose own settings are set.
func (ts *topics) describe(set map[string]string, synonyms, docs bool) (out []kmsg.DescribeConfigsResponseResourceConfig) {
	for _, name := range slices.Sorted(maps.Keys(topicSettings)) {
		s := topicSettings[name]
		out = append(out, describeSetting(name, s.kind, s.doc, ts.values(name, set), synonyms, docs))
	}
	return out
}

// describeSetting returns the description of a setting with its values, the effective one
// first.
func describeSetting(
	name string, kind kmsg.ConfigType, doc string, values []settingValue, synonyms, docs bool,
) kmsg.DescribeConfigsResponseResourceConfig {
	cfg := kmsg.NewDescribeConfigsResponseResourceConfig()
	cfg.Name, cfg.ConfigType = name, kind
	cfg.Value, cfg.Source = new(values[0].value), values[0].source
	cfg.IsDefault = cfg.Source == kmsg.ConfigSourceDefaultConfig
	if docs {
		cfg.Documentation = new(doc)
	}
	if synonyms {
		for _, v := range values {
			s := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			s.Name, s.Value, s.Source = v.name, new(v.value), v.source
			cfg.ConfigSynonyms = append(cfg.ConfigSynonyms, s)
		}
	}
	return cfg
}
