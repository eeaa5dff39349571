package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sightlog/sightlog/broker/internal/group"
	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// topic is a topic. The number of its partitions only grows: readers load parts
// without a lock.
type topic struct {
	name   string
	id     wire.UUID
	config atomic.Pointer[topicConfig]

	parts atomic.Pointer[[]*partition]
}

// partition is one partition of a topic.
type partition struct {
	topic *topic
	index int32
	log   *storage.Log
}

func (t *topic) partitions() []*partition { return *t.parts.Load() }

// partition returns the partition with the index, or nil.
func (t *topic) partition(i int32) *partition {
	if parts := t.partitions(); i >= 0 && int(i) < len(parts) {
		return parts[i]
	}
	return nil
}

// maxPartitions bounds the partitions of a topic: each is a directory, and a typing
// error should not create a million.
const maxPartitions = 10_000

// offsetsTopic and txnsTopic are topics in which Kafka keeps committed offsets and
// transactions. Here they are in the store's metadata, and a topic of such a name, which a
// client would read in vain, is not created.
const (
	offsetsTopic = "__consumer_offsets"
	txnsTopic    = "__transaction_state"
)

// topicRow is a topic in the store.
type topicRow struct {
	ID      wire.UUID         `json:"id"`
	Logs    []uint64          `json:"logs"` // storage log ids by partition
	Configs map[string]string `json:"configs,omitempty"`
}

// topics is the set of topics. A topic is visible once it is durable, and is no longer
// visible when its deletion begins.
type topics struct {
	store *storage.Store
	cfg   Config

	changeMu sync.Mutex // held while topics, partitions or settings change, across the commit; taken before mu

	// altered are the settings of the broker that were altered while it ran, by their
	// names, and defaults the topic settings that follow from those and from the
	// configuration. Both maps are replaced, not changed.
	altered, defaults atomic.Pointer[map[string]string]

	mu    sync.RWMutex // guards the following
	names map[string]*topic
	ids   map[wire.UUID]*topic
}

func loadTopics(s *storage.Store, cfg Config) (*topics, error) {
	ts := &topics{store: s, cfg: cfg, names: map[string]*topic{}, ids: map[wire.UUID]*topic{}}
	altered := map[string]string{}
	for name, value := range s.Bucket(rows.Settings) {
		var v string
		if err := json.Unmarshal(value, &v); err != nil {
			return nil, fmt.Errorf("read setting %s: %w", name, err)
		}
		altered[name] = v
	}
	ts.setDefaults(altered)
	for name, value := range s.Bucket(rows.Topics) {
		var row topicRow
		if err := json.Unmarshal(value, &row); err != nil {
			return nil, fmt.Errorf("read topic %s: %w", name, err)
		}
		t := &topic{name: name, id: row.ID}
		var parts []*partition
		for i, id := range row.Logs {
			l := s.Log(id)
			if l == nil {
				return nil, fmt.Errorf("read topic %s: the log of partition %d is missing", name, i)
			}
			parts = append(parts, &partition{topic: t, index: int32(i), log: l})
		}
		t.parts.Store(&parts)
		ts.configure(t, row.Configs)
		ts.names[name], ts.ids[t.id] = t, t
	}
	return ts, nil
}

// setDefaults makes the settings of the broker that were altered, with those of its
// configuration, the defaults of topics.
func (ts *topics) setDefaults(altered map[string]string) {
	defaults := maps.Clone(ts.cfg.TopicDefaults)
	if defaults == nil {
		defaults = map[string]string{}
	}
	for name, value := range altered {
		defaults[topicDefaults[name]] = value
	}
	ts.altered.Store(&altered)
	ts.defaults.Store(&defaults)
}

// configure sets the topic's own settings, which are valid.
func (ts *topics) configure(t *topic, set map[string]string) {
	conf := newTopicConfig(set, *ts.defaults.Load())
	t.config.Store(conf)
	for _, p := range t.partitions() {
		p.log.Configure(storage.LogConfig{SegmentBytes: conf.segmentBytes, SegmentAge: conf.segmentMillis})
	}
}

// removeOffsetsTopic removes the empty topic that brokers of before made for groups.
func (ts *topics) removeOffsetsTopic() error {
	if t := ts.byName(offsetsTopic); t != nil {
		return ts.delete(t, func(*storage.Commit) {})
	}
	return nil
}

func (t *topic) row() topicRow {
	row := topicRow{ID: t.id, Configs: t.config.Load().set}
	for _, p := range t.partitions() {
		row.Logs = append(row.Logs, p.log.ID())
	}
	return row
}

// byName returns the topic with the name, or nil.
func (ts *topics) byName(name string) *topic {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.names[name]
}

// noTopic is the error for a topic that does not exist, for people who read it.
func noTopic(name string) error {
	return fmt.Errorf("%w: there is no topic %q", kerr.UnknownTopicOrPartition, name)
}

// byID returns the topic with the id, or nil.
func (ts *topics) byID(id wire.UUID) *topic {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	return ts.ids[id]
}

// find returns the topic of a request, which names it by name or, in newer versions of
// some APIs, by id; or nil.
func (ts *topics) find(name string, id wire.UUID, byID bool) *topic {
	if byID {
		return ts.byID(id)
	}
	return ts.byName(name)
}

// all returns the topics by name.
func (ts *topics) all() []*topic {
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	out := make([]*topic, 0, len(ts.names))
	for _, name := range slices.Sorted(maps.Keys(ts.names)) {
		out = append(out, ts.names[name])
	}
	return out
}

// inTxn returns the partition as transactions know it.
func (p *partition) inTxn() txn.Partition {
	return txn.Partition{Topic: p.topic.name, Index: p.index, Log: p.log}
}

// forGroups returns the topics by name, as consumer groups see them.
func (ts *topics) forGroups() (out []group.Topic) {
	for _, t := range ts.all() {
		out = append(out, group.Topic{ID: t.id, Name: t.name, Partitions: len(t.partitions())})
	}
	return out
}

// create makes a topic and waits until it is durable.
func (ts *topics) create(name string, partitions int, configs map[string]string) (*topic, error) {
	ts.changeMu.Lock()
	defer ts.changeMu.Unlock()
	if t := ts.byName(name); t != nil {
		return t, kerr.TopicAlreadyExists
	}
	if err := ts.checkName(name); err != nil {
		return nil, err
	}
	t := &topic{name: name, id: wire.NewUUID()}
	t.parts.Store(new([]*partition))
	ts.configure(t, configs)
	if err := ts.extend(t, partitions); err != nil {
		return nil, err
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.names[name], ts.ids[t.id] = t, t
	return t, nil
}

// extend gives a topic more partitions. changeMu is held.
func (ts *topics) extend(t *topic, partitions int) error {
	var c storage.Commit
	old := t.partitions()
	parts := slices.Clone(old)
	conf := t.config.Load()
	row := t.row()
	for i := len(parts); i < partitions; i++ {
		l, err := ts.store.NewLog(fmt.Sprintf("%s-%d", t.name, i))
		if err != nil {
			return err
		}
		l.Configure(storage.LogConfig{SegmentBytes: conf.segmentBytes, SegmentAge: conf.segmentMillis})
		c.Create(l)
		parts = append(parts, &partition{topic: t, index: int32(i), log: l})
		row.Logs = append(row.Logs, l.ID())
	}
	c.Put(rows.Topics, t.name, rows.Encode(row))
	if err := ts.store.Do(&c); err != nil {
		return err
	}
	t.parts.Store(&parts)
	return nil
}

// delete removes a topic, its logs and the offsets committed for it.
func (ts *topics) delete(t *topic, more func(*storage.Commit)) error {
	ts.changeMu.Lock()
	defer ts.changeMu.Unlock()
	if ts.byName(t.name) != t {
		return kerr.UnknownTopicOrPartition
	}
	ts.mu.Lock()
	delete(ts.names, t.name)
	delete(ts.ids, t.id)
	ts.mu.Unlock()
	var c storage.Commit
	c.Delete(rows.Topics, t.name)
	for _, p := range t.partitions() {
		c.Drop(p.log)
	}
	more(&c)
	err := ts.store.Do(&c)
	if err != nil && !errors.Is(err, storage.ErrFailed) {
		ts.mu.Lock()
		ts.names[t.name], ts.ids[t.id] = t, t
		ts.mu.Unlock()
	}
	return err
}

// checkName returns INVALID_TOPIC_EXCEPTION if name is no legal name of a topic, or
// differs from an existing topic's only in . and _, which would collide in the names of
// metrics (Kafka's rules).
func (ts *topics) checkName(name string) error {
	if err := validTopicName(name); err != nil {
		return err
	}
	if name == offsetsTopic || name == txnsTopic {
		return fmt.Errorf("%w: %s is Kafka's own: here the admin APIs alone show offsets and transactions", kerr.InvalidTopicException, name)
	}
	folded := foldName(name)
	ts.mu.RLock()
	defer ts.mu.RUnlock()
	for other := range ts.names {
		if other != name && foldName(other) == folded {
			return fmt.Errorf("%w: it collides with %q", kerr.InvalidTopicException, other)
		}
	}
	return nil
}

func foldName(name string) string {
	b := []byte(name)
	for i := range b {
		if b[i] == '.' {
			b[i] = '_'
		}
	}
	return string(b)
}

func validTopicName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > 249 {
		return invalidName(name)
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return invalidName(name)
		}
	}
	return nil
}

func invalidName(name string) error {
	return fmt.Errorf("%w: topic name %.260q: want 1 to 249 letters, digits, and . _ - of ASCII, and not . or .. alone",
		kerr.InvalidTopicException, name)
}
