package broker

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The settings that a group of the consumer protocol may have (KIP-848).
const (
	groupHeartbeat = "consumer.heartbeat.interval.ms"
	groupSession   = "consumer.session.timeout.ms"
)

// groupSettings are the settings of groups, whose defaults are the broker's: see Config.
var groupSettings = map[string]setting{
	groupHeartbeat: {kind: integer, check: between(100, 60_000), doc: "time between the heartbeats that members are asked for"},
	groupSession:   {kind: integer, check: between(1000, 1_800_000), doc: "after which a member that sends no heartbeat is removed"},
}

// groupConfigs are the settings that were altered for groups, which need not exist yet.
type groupConfigs struct {
	cfg   *Config
	store *storage.Store

	changeMu sync.Mutex // held while settings change, across the commit
	// set are the settings by group. The map is replaced, never changed.
	set atomic.Pointer[map[string]map[string]string]
}

func loadGroupConfigs(s *storage.Store, cfg *Config) (*groupConfigs, error) {
	g := &groupConfigs{cfg: cfg, store: s}
	all := map[string]map[string]string{}
	for name, value := range s.Bucket(rows.GroupSettings) {
		var set map[string]string
		if err := json.Unmarshal(value, &set); err != nil {
			return nil, fmt.Errorf("read the settings of group %s: %w", name, err)
		}
		all[name] = set
	}
	g.set.Store(&all)
	return g, nil
}

// byDefault returns the value of a setting for groups without their own.
func (g *groupConfigs) byDefault(name string) string {
	if name == groupHeartbeat {
		return strconv.FormatInt(g.cfg.GroupConsumerHeartbeat.Milliseconds(), 10)
	}
	return strconv.FormatInt(g.cfg.GroupConsumerSession.Milliseconds(), 10)
}

// setting returns the setting of that name.
func (g *groupConfigs) setting(name string) (setting, error) {
	s, known := groupSettings[name]
	if !known {
		return s, fmt.Errorf("%w: unknown group setting %q: want %s or %s", kerr.InvalidConfig, name, groupHeartbeat, groupSession)
	}
	s.value = g.byDefault(name)
	return s, nil
}

// check returns an error unless set may be the settings of a group.
func (g *groupConfigs) check(set map[string]string) error {
	heartbeat, session := g.times(set)
	if heartbeat >= session {
		return fmt.Errorf("%w: %s (%v) must be less than %s (%v)", kerr.InvalidConfig, groupHeartbeat, heartbeat, groupSession, session)
	}
	return nil
}

// replace replaces the settings of a group. changeMu is held. They are durable when it returns.
func (g *groupConfigs) replace(group string, set map[string]string) error {
	var c storage.Commit
	all := maps.Clone(*g.set.Load())
	if len(set) > 0 {
		c.Put(rows.GroupSettings, group, rows.Encode(set))
		all[group] = set
	} else {
		c.Delete(rows.GroupSettings, group)
		delete(all, group)
	}
	if err := g.store.Do(&c); err != nil {
		return err
	}
	g.set.Store(&all)
	return nil
}

// of returns what was altered for a group.
func (g *groupConfigs) of(group string) map[string]string { return (*g.set.Load())[group] }

// names returns the groups that have settings.
func (g *groupConfigs) names() []string { return slices.Sorted(maps.Keys(*g.set.Load())) }

// times returns what the settings say.
func (g *groupConfigs) times(set map[string]string) (heartbeat, session time.Duration) {
	millis := func(name string) time.Duration {
		v, own := set[name]
		if !own {
			v = g.byDefault(name)
		}
		return time.Duration(number(v)) * time.Millisecond
	}
	return millis(groupHeartbeat), millis(groupSession)
}

// describe returns the settings of a group.
func (g *groupConfigs) describe(group string, synonyms, docs bool) (out []kmsg.DescribeConfigsResponseResourceConfig) {
	set := g.of(group)
	for _, name := range slices.Sorted(maps.Keys(groupSettings)) {
		values := []settingValue{{"group." + name, g.byDefault(name), kmsg.ConfigSourceDefaultConfig}}
		if v, own := set[name]; own {
			values = slices.Insert(values, 0, settingValue{name, v, kmsg.ConfigSourceGroupConfig})
		}
		out = append(out, describeSetting(name, groupSettings[name].kind, groupSettings[name].doc, values, synonyms, docs))
	}
	return out
}
