package occupancy

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sightlog/sightlog/kafka"
)

// answerTime bounds the wait for an answer of the log.
const answerTime = 10 * time.Second

// Settings of the state's topic. Only closed segments are compacted, so their size bounds
// what is read when a partition is assigned.
const (
	stateSegmentBytes = 16 << 20
	maxStateBytes     = 16 << 20
)

// maxBatchBytes returns the size of a batch for a topic, before compression. Another topic
// than the state's has the cluster's limit, which is no less than this by default.
func (p *Processor) maxBatchBytes(topic string) int32 {
	if topic == StateTopic(p.cfg.Topic) {
		return maxStateBytes
	}
	return 1_000_000
}

// ensureTopics creates the topics of records and of state where they are missing, with as
// many partitions as the sightings have, and adds partitions where they have fewer: a
// state is in the partition with the number of its input.
func (p *Processor) ensureTopics(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	cl, err := p.cfg.Kafka.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	adm := kadm.NewClient(cl)
	state := StateTopic(p.cfg.Topic)
	there, err := adm.ListTopics(ctx, kafka.Sightings, p.cfg.Topic, state)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	if err := there[kafka.Sightings].Err; err != nil {
		return fmt.Errorf("topic %s: %w", kafka.Sightings, err)
	}
	partitions := len(there[kafka.Sightings].Partitions)
	replicas := there[kafka.Sightings].Partitions.NumReplicas()
	inSync := strconv.Itoa(max(1, replicas-1))
	compact, segment, largest := "compact", strconv.Itoa(stateSegmentBytes), strconv.Itoa(maxStateBytes)
	for topic, configs := range map[string]map[string]*string{
		p.cfg.Topic: {},
		state:       {"cleanup.policy": &compact, "segment.bytes": &segment, "max.message.bytes": &largest},
	} {
		configs["min.insync.replicas"] = &inSync
		switch d := there[topic]; {
		case errors.Is(d.Err, kerr.UnknownTopicOrPartition):
			r, err := adm.CreateTopic(ctx, int32(partitions), int16(replicas), configs, topic)
			if err = errors.Join(err, r.Err); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
				return fmt.Errorf("create topic %s: %w", topic, err)
			}
		case d.Err != nil:
			return fmt.Errorf("topic %s: %w", topic, d.Err)
		case len(d.Partitions) < partitions:
			r, err := adm.UpdatePartitions(ctx, partitions, topic)
			if err = errors.Join(err, r.Error()); err != nil {
				return fmt.Errorf("add partitions to topic %s: %w", topic, err)
			}
		}
	}
	return nil
}
