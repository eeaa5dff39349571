package produce

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// reachTimeout bounds the first contact with the brokers, and the last.
const reachTimeout = 10 * time.Second

// create makes the topic. Brokers that do not answer are a *usage.Error.
func (c *Config) create(ctx context.Context, adm *kadm.Client, topic string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	brokers := strings.Join(c.Kafka.Brokers, ",")
	if _, err := adm.ListBrokers(ctx); err != nil {
		return usage.Wrap(err, kafka.HowToReach(err), "the brokers %s cannot be used: %v", brokers, err)
	}
	settings := map[string]*string{}
	if c.SyncEach {
		one := "1"
		settings["flush.messages"] = &one
	}
	r, err := adm.CreateTopic(ctx, c.Partitions, -1, settings, topic)
	if err == nil {
		err = r.Err
	}
	if err != nil {
		return fmt.Errorf("create topic %s on %s: %w", topic, brokers, err)
	}
	return nil
}

// remove removes the topic, also when ctx has ended.
func remove(ctx context.Context, adm *kadm.Client, topic string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reachTimeout)
	defer cancel()
	if _, err := adm.DeleteTopics(ctx, topic); err != nil {
		return fmt.Errorf("remove the topic %s: %w", topic, err)
	}
	return nil
}

// durability says what an acknowledgement promises: as the caller knows of its own broker,
// or as the topic's settings say, by which Apache Kafka syncs.
func (c *Config) durability(ctx context.Context, adm *kadm.Client, topic string) string {
	if c.Acks == "none" {
		return "none: nothing is acknowledged"
	}
	if c.Durability != "" {
		return c.Durability
	}
	all, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return "not known: " + err.Error()
	}
	for _, topic := range all {
		for _, s := range topic.Configs {
			if s.Key != "flush.messages" {
				continue
			}
			if s.MaybeValue() == "1" {
				return "each batch is synced before it is acknowledged (flush.messages=1)"
			}
			return "acknowledged from memory: the operating system writes later (flush.messages=" + s.MaybeValue() + ")"
		}
	}
	return "not known: the broker does not say when it syncs"
}
