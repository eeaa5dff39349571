package cli

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// TopicsCmd administers the topics of any Kafka cluster.
type TopicsCmd struct {
	List     TopicsListCmd     `cmd:"" help:"The topics, their partitions and how many records they hold."`
	Create   TopicsCreateCmd   `cmd:"" help:"Create a topic."`
	Describe TopicsDescribeCmd `cmd:"" help:"A topic's partitions and settings."`
	Alter    TopicsAlterCmd    `cmd:"" help:"Change settings, or add partitions."`
	Delete   TopicsDeleteCmd   `cmd:"" help:"Delete a topic and all its records."`
	Tail     TopicsTailCmd     `cmd:"" help:"Print records as they come, one a line."`
}

// TopicsListCmd lists topics.
type TopicsListCmd struct{ ClusterFlags }

// Run implements the command.
func (c *TopicsListCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(ctx context.Context, adm *kadm.Client) (*query.Table, error) {
		topics, err := adm.ListTopics(ctx)
		if err != nil {
			return nil, fmt.Errorf("list topics: %w", err)
		}
		starts, err := adm.ListStartOffsets(ctx, topics.Names()...)
		if err != nil {
			return nil, fmt.Errorf("list offsets: %w", err)
		}
		ends, err := adm.ListEndOffsets(ctx, topics.Names()...)
		if err != nil {
			return nil, fmt.Errorf("list offsets: %w", err)
		}
		t := &query.Table{Columns: []string{"topic", "partitions", "replicas", "offsets"}}
		for _, d := range topics.Sorted() {
			var span int64 // control records and compacted ones count, too
			for _, p := range d.Partitions.Numbers() {
				s, _ := starts.Lookup(d.Topic, p)
				e, _ := ends.Lookup(d.Topic, p)
				span += e.Offset - s.Offset
			}
			t.Rows = append(t.Rows, []any{d.Topic, len(d.Partitions), d.Partitions.NumReplicas(), span})
		}
		return t, nil
	})
}

// TopicsCreateCmd creates a topic.
type TopicsCreateCmd struct {
	ClusterFlags
	Topic      string   `arg:"" help:"Its name."`
	Partitions int32    `default:"1" env:"-" help:"Partitions (${default})."`
	Replicas   int16    `default:"-1" env:"-" help:"Replicas; -1 is the cluster's default."`
	Setting    []string `sep:"none" env:"-" placeholder:"NAME=VALUE" help:"A setting, such as cleanup.policy=compact. Repeat for more."`
}

// Run implements the command.
func (c *TopicsCreateCmd) Run(ctx context.Context, env *Env) error {
	configs, err := settings(c.Setting)
	if err != nil {
		return err
	}
	return c.ask(ctx, env, func(ctx context.Context, adm *kadm.Client) (*query.Table, error) {
		r, err := adm.CreateTopic(ctx, c.Partitions, c.Replicas, configs, c.Topic)
		if r.Err != nil {
			err = r.Err
		}
		return nil, refused("topic", c.Topic, err, r.ErrMessage)
	})
}

// TopicsDescribeCmd describes a topic.
type TopicsDescribeCmd struct {
	ClusterFlags
	Topic    string `arg:"" help:"Its name."`
	Settings bool   `env:"-" help:"Its settings instead of its partitions."`
}

// Run implements the command.
func (c *TopicsDescribeCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(ctx context.Context, adm *kadm.Client) (*query.Table, error) {
		topics, err := adm.ListTopics(ctx, c.Topic)
		if err != nil {
			return nil, fmt.Errorf("describe topic %s: %w", c.Topic, err)
		}
		d := topics[c.Topic]
		if d.Err != nil {
			return nil, refused("topic", c.Topic, d.Err, "")
		}
		if c.Settings {
			return topicSettings(ctx, adm, c.Topic)
		}
		starts, err := adm.ListStartOffsets(ctx, c.Topic)
		if err != nil {
			return nil, fmt.Errorf("list offsets: %w", err)
		}
		ends, err := adm.ListEndOffsets(ctx, c.Topic)
		if err != nil {
			return nil, fmt.Errorf("list offsets: %w", err)
		}
		t := &query.Table{Columns: []string{"partition", "leader", "replicas", "in_sync", "start", "end"}}
		for _, p := range d.Partitions.Sorted() {
			s, _ := starts.Lookup(c.Topic, p.Partition)
			e, _ := ends.Lookup(c.Topic, p.Partition)
			t.Rows = append(t.Rows, []any{p.Partition, p.Leader, fmt.Sprint(p.Replicas), fmt.Sprint(p.ISR), s.Offset, e.Offset})
		}
		return t, nil
	})
}

func topicSettings(ctx context.Context, adm *kadm.Client, topic string) (*query.Table, error) {
	rs, err := adm.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, fmt.Errorf("describe settings of %s: %w", topic, err)
	}
	t := &query.Table{Columns: []string{"setting", "value", "source"}}
	for _, r := range rs {
		if r.Err != nil {
			return nil, refused("topic", topic, r.Err, r.ErrMessage)
		}
		for _, c := range r.Configs {
			t.Rows = append(t.Rows, []any{c.Key, c.MaybeValue(), c.Source.String()})
		}
	}
	return t, nil
}

// TopicsAlterCmd changes a topic.
type TopicsAlterCmd struct {
	ClusterFlags
	Topic      string   `arg:"" help:"Its name."`
	Setting    []string `sep:"none" env:"-" placeholder:"NAME=VALUE" help:"Set this; repeat for more."`
	Reset      []string `env:"-" placeholder:"NAME" help:"Return this setting to its default; repeat for more."`
	Partitions int      `env:"-" placeholder:"N" help:"Increase the number of partitions to this. Keys then move to other partitions: not while cameras run."`
}

// Run implements the command.
func (c *TopicsAlterCmd) Run(ctx context.Context, env *Env) error {
	values, err := settings(c.Setting)
	if err != nil {
		return err
	}
	if len(values)+len(c.Reset)+c.Partitions == 0 {
		return usage.New("add --setting, --reset or --partitions", "nothing to alter")
	}
	var changes []kadm.AlterConfig
	for _, name := range slices.Sorted(maps.Keys(values)) {
		changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: values[name]})
	}
	for _, name := range c.Reset {
		changes = append(changes, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
	}
	return c.ask(ctx, env, func(ctx context.Context, adm *kadm.Client) (*query.Table, error) {
		if len(changes) > 0 {
			rs, err := adm.AlterTopicConfigs(ctx, changes, c.Topic)
			if err != nil {
				return nil, fmt.Errorf("alter topic %s: %w", c.Topic, err)
			}
			for _, r := range rs {
				if r.Err != nil {
					return nil, refused("topic", c.Topic, r.Err, r.ErrMessage)
				}
			}
		}
		if c.Partitions == 0 {
			return nil, nil
		}
		rs, err := adm.UpdatePartitions(ctx, c.Partitions, c.Topic)
		if err != nil {
			return nil, fmt.Errorf("add partitions to %s: %w", c.Topic, err)
		}
		r := rs[c.Topic]
		return nil, refused("topic", c.Topic, r.Err, r.ErrMessage)
	})
}

// TopicsDeleteCmd deletes a topic.
type TopicsDeleteCmd struct {
	ClusterFlags
	Topic string `arg:"" help:"Its name."`
}

// Run implements the command.
func (c *TopicsDeleteCmd) Run(ctx context.Context, env *Env) error {
	return c.ask(ctx, env, func(ctx context.Context, adm *kadm.Client) (*query.Table, error) {
		r, err := adm.DeleteTopic(ctx, c.Topic)
		if r.Err != nil {
			err = r.Err
		}
		return nil, refused("topic", c.Topic, err, r.ErrMessage)
	})
}

// TopicsTailCmd prints records. Events in Avro or Protobuf are printed as JSON, if a schema
// registry is configured.
type TopicsTailCmd struct {
	ClusterFlags
	Topic     string `arg:"" help:"Its name."`
	Beginning bool   `env:"-" help:"From the oldest record on, not only new ones."`
	Count     int    `env:"-" placeholder:"N" help:"End after this many records."`
}

// Run implements the command.
func (c *TopicsTailCmd) Run(ctx context.Context, env *Env) error {
	from := kgo.NewOffset().AtEnd()
	if c.Beginning {
		from = kgo.NewOffset().AtStart()
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	cl, err := cfg.Client(kgo.ConsumeTopics(c.Topic), kgo.ConsumeResetOffset(from), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	if err != nil {
		return err
	}
	defer cl.Close()
	topics, err := kadm.NewClient(cl).ListTopics(ctx, c.Topic)
	if err != nil {
		return fmt.Errorf("tail %s: %w", c.Topic, err)
	}
	if d := topics[c.Topic]; d.Err != nil {
		return refused("topic", c.Topic, d.Err, "")
	}
	log := env.Logger(slog.LevelWarn)
	for n := 0; ; {
		f := cl.PollFetches(ctx)
		if ctx.Err() != nil {
			return nil
		}
		for _, e := range f.Errors() {
			if !kerr.IsRetriable(e.Err) {
				return fmt.Errorf("tail %s partition %d: %w", c.Topic, e.Partition, e.Err)
			}
			log.Warn("the topic cannot be read, retrying", "partition", e.Partition, "err", e.Err)
		}
		for _, r := range f.Records() {
			if _, err := fmt.Fprintf(env.Stdout, "%s\n", readable(ctx, cfg, r)); err != nil {
				return err
			}
			if n++; n == c.Count {
				return nil
			}
		}
	}
}

// readable returns a record's value, and one of an event in Avro or Protobuf as JSON if it decodes.
func readable(ctx context.Context, cfg kafka.Config, r *kgo.Record) []byte {
	for _, h := range r.Headers {
		if h.Key == event.HeaderSchema {
			if text, err := cfg.Schemas.JSON(ctx, string(h.Value), r.Value); err == nil {
				return text
			}
		}
	}
	return r.Value
}
