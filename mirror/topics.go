package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// Settings of the topic of positions. Only closed segments are compacted, so their size
// bounds what is read when a session is opened.
const (
	positionPartitions   = 8
	positionSegmentBytes = "4194304"
)

// ensureTopics creates the topics that are missing at the target: those of sightlog as
// detect would, others as they are at the source. It returns the number of partitions of
// Positions.
func (s *session) ensureTopics(ctx context.Context) (positions int, err error) {
	cl, err := s.cfg.Target.Client()
	if err != nil {
		return 0, err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	meta, err := adm.BrokerMetadata(ctx)
	if err != nil {
		return 0, atTarget(fmt.Errorf("list brokers: %w", err))
	}
	if meta.Cluster == s.log.cluster {
		return 0, usage.New("name another one with --into", "the source and the target are one cluster, %s", meta.Cluster)
	}
	if err := s.checkCircle(ctx, meta.Cluster); err != nil {
		return 0, err
	}
	if err := kafka.EnsureTopics(ctx, cl, s.cfg.Partitions); err != nil {
		return 0, atTarget(err)
	}
	there, err := adm.ListTopics(ctx, append([]string{Positions}, s.cfg.Topics...)...)
	if err != nil {
		return 0, atTarget(fmt.Errorf("list topics: %w", err))
	}
	replicas := int16(min(3, max(1, len(meta.Brokers))))
	inSync := strconv.Itoa(max(1, int(replicas)-1))
	for _, name := range append([]string{Positions}, s.cfg.Topics...) {
		d := there[name]
		if name != Positions && s.log.ids[name] == "" || d.Err == nil {
			continue
		}
		if !errors.Is(d.Err, kerr.UnknownTopicOrPartition) {
			return 0, atTarget(fmt.Errorf("topic %s: %w", name, d.Err))
		}
		partitions, configs := positionPartitions, map[string]*string{"cleanup.policy": new("compact"), "segment.bytes": new(positionSegmentBytes)}
		if name != Positions {
			if partitions, configs, err = s.asAtSource(ctx, name); err != nil {
				return 0, err
			}
		}
		configs["min.insync.replicas"] = &inSync
		r, err := adm.CreateTopic(ctx, int32(partitions), replicas, configs, name)
		if err = errors.Join(err, r.Err); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return 0, atTarget(fmt.Errorf("create topic %s: %w", name, err))
		}
	}
	if d := there[Positions]; d.Err == nil {
		return len(d.Partitions), nil
	}
	return positionPartitions, nil
}

// asAtSource returns the number of partitions of a topic of the source and its own settings
// that concern the records.
func (s *session) asAtSource(ctx context.Context, topic string) (partitions int, configs map[string]*string, err error) {
	described, err := s.adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return 0, nil, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	r, err := described.On(topic, nil)
	if err = errors.Join(err, r.Err); err != nil {
		return 0, nil, fmt.Errorf("describe topic %s: %w", topic, err)
	}
	configs = make(map[string]*string)
	copied := []string{"cleanup.policy", "retention.ms", "retention.bytes", "segment.bytes", "max.message.bytes", "delete.retention.ms"}
	for _, c := range r.Configs {
		if c.Source == kmsg.ConfigSourceDynamicTopicConfig && slices.Contains(copied, c.Key) {
			configs[c.Key] = c.Value
		}
	}
	for tp := range maps.Keys(s.log.spans) {
		if tp.topic == topic {
			partitions++
		}
	}
	return partitions, configs, nil
}
