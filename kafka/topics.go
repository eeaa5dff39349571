package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// EnsureTopics creates the topics that are missing: Sightings with the given number of
// partitions, Crossings, Visits and SnapshotTopic (compacted) with as many as Sightings has, Runs
// (compacted) and the topics of dead letters with one. They have up to three replicas, and a write needs all but one of
// them in sync.
//
// Partitions are never added to an existing topic, because the partition of a camera
// would change.
//
// cl caches its metadata: for a moment it may still report that the topics are missing.
// Use another client afterwards.
func EnsureTopics(ctx context.Context, cl *kgo.Client, partitions int32) error {
	adm := kadm.NewClient(cl)
	names := []string{
		Sightings, Crossings, Visits, Runs, SnapshotTopic,
		DeadTopic(Sightings), DeadTopic(Crossings), DeadTopic(Runs), DeadTopic(SnapshotTopic),
	}
	there, err := adm.ListTopics(ctx, names...)
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	if len(there.TopicsSet()) == len(names) && there.Error() == nil {
		return nil // this answer does not need the cluster's controller
	}
	if d := there[Sightings]; d.Err == nil && len(d.Partitions) > 0 {
		partitions = int32(len(d.Partitions)) // it was created with another number
	}
	brokers, err := adm.ListBrokers(ctx)
	if err != nil {
		return fmt.Errorf("list brokers: %w", err)
	}
	replicas := int16(min(3, max(1, len(brokers))))
	inSync := strconv.Itoa(max(1, int(replicas)-1))
	compact := "compact"
	forever := "-1"
	both, week, space := "compact,delete", "604800000", "1073741824"

	for _, t := range []struct {
		name       string
		partitions int32
		configs    map[string]*string
	}{
		{Sightings, partitions, map[string]*string{}},
		{Crossings, partitions, map[string]*string{}},
		{Visits, partitions, map[string]*string{}},
		{Runs, 1, map[string]*string{"cleanup.policy": &compact}},
		{SnapshotTopic, partitions, map[string]*string{"cleanup.policy": &both, "retention.ms": &week, "retention.bytes": &space}},
		{DeadTopic(Sightings), 1, map[string]*string{"retention.ms": &forever}},
		{DeadTopic(Crossings), 1, map[string]*string{"retention.ms": &forever}},
		{DeadTopic(Runs), 1, map[string]*string{"retention.ms": &forever}},
		{DeadTopic(SnapshotTopic), 1, map[string]*string{"retention.ms": &week}},
	} {
		t.configs["min.insync.replicas"] = &inSync
		r, err := adm.CreateTopic(ctx, t.partitions, replicas, t.configs, t.name)
		if err == nil {
			err = r.Err
		}
		if err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			return fmt.Errorf("create topic %s: %w", t.name, err)
		}
	}
	return nil
}
