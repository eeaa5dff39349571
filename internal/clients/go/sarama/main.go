// Command sarama runs the cases with github.com/IBM/sarama.
package main

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/IBM/sarama"
	"github.com/sightlog/sightlog/internal/clients/go/cases"
	"github.com/xdg-go/scram"
)

func config(change ...func(*sarama.Config)) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	c.Consumer.Offsets.AutoCommit.Enable = false
	c.Consumer.MaxWaitTime = 100 * time.Millisecond
	c.Consumer.Group.Heartbeat.Interval = 300 * time.Millisecond
	for _, f := range change {
		f(c)
	}
	return c
}

func idempotent(c *sarama.Config) {
	c.Producer.Idempotent = true
	c.Net.MaxOpenRequests = 1
}

func withAdmin(f func(sarama.ClusterAdmin) error) error {
	a, err := sarama.NewClusterAdmin(cases.Brokers(), config())
	if err != nil {
		return err
	}
	return errors.Join(f(a), a.Close())
}

func create(topic string, partitions int32) error {
	return withAdmin(func(a sarama.ClusterAdmin) error {
		return a.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 1}, false)
	})
}

func send(p sarama.SyncProducer, topic string, partition int32, values ...string) error {
	var batch []*sarama.ProducerMessage
	for _, v := range values {
		batch = append(batch, &sarama.ProducerMessage{
			Topic: topic, Partition: partition, Key: sarama.StringEncoder("key"), Value: sarama.StringEncoder(v),
			Headers: []sarama.RecordHeader{{Key: []byte("h"), Value: []byte("1")}},
		})
	}
	return p.SendMessages(batch)
}

// write writes the values, by a producer of its own.
func write(topic string, partition int32, values []string, change ...func(*sarama.Config)) error {
	p, err := sarama.NewSyncProducer(cases.Brokers(), config(change...))
	if err != nil {
		return err
	}
	return errors.Join(send(p, topic, partition, values...), p.Close())
}

func read(ctx context.Context, topic string, n int, change ...func(*sarama.Config)) (got []string, err error) {
	c, err := sarama.NewConsumer(cases.Brokers(), config(change...))
	if err != nil {
		return nil, err
	}
	defer c.Close()
	p, err := c.ConsumePartition(topic, 0, sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	defer p.AsyncClose()
	for len(got) < n {
		select {
		case m := <-p.Messages():
			got = append(got, string(m.Value))
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	return got, nil
}

func roundTrip(change ...func(*sarama.Config)) func(context.Context) error {
	return func(ctx context.Context) error {
		topic := cases.Name("sarama")
		if err := errors.Join(create(topic, 2), write(topic, 0, cases.Values(50), change...)); err != nil {
			return err
		}
		got, err := read(ctx, topic, 50)
		return errors.Join(err, cases.Expect(got, cases.Values(50), "values"))
	}
}

func codec(c sarama.CompressionCodec) func(context.Context) error {
	return roundTrip(func(cfg *sarama.Config) { cfg.Producer.Compression = c })
}

// member is a member of a group, which collects what it reads.
type member struct {
	group sarama.ConsumerGroup
	stop  context.CancelFunc
	done  chan struct{}

	mu sync.Mutex
	// guards the following
	got      []string
	assigned int
	session  sarama.ConsumerGroupSession
}

func join(ctx context.Context, topic, id string) (*member, error) {
	g, err := sarama.NewConsumerGroup(cases.Brokers(), id, config())
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	m := &member{group: g, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(m.done)
		for ctx.Err() == nil && g.Consume(ctx, []string{topic}, m) == nil {
			continue
		}
	}()
	return m, nil
}

func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.session, m.assigned = s, 0
	for _, partitions := range s.Claims() {
		m.assigned += len(partitions)
	}
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for msg := range claim.Messages() {
		m.mu.Lock()
		m.got = append(m.got, string(msg.Value))
		m.mu.Unlock()
		s.MarkMessage(msg, "")
	}
	return nil
}

func (m *member) take(ctx context.Context, n int) ([]string, error) {
	var got []string
	err := cases.Until(ctx, "records", func() (bool, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		got = slices.Sorted(slices.Values(m.got))
		return len(got) >= n, nil
	})
	return got, err
}

func (m *member) has(partitions int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.assigned == partitions
}

func (m *member) commit() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.session.Commit()
}

func (m *member) close() error {
	m.stop()
	<-m.done
	return m.group.Close()
}

func group(ctx context.Context) error {
	topic, id := cases.Name("sarama"), cases.Name("group")
	err := create(topic, 4)
	for p := range int32(4) {
		err = errors.Join(err, write(topic, p, cases.Values(10)))
	}
	one, err2 := join(ctx, topic, id)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	if _, err := one.take(ctx, 40); err != nil {
		return err
	}
	one.commit()
	two, err := join(ctx, topic, id)
	if err != nil {
		return err
	}
	if err := cases.Until(ctx, "two partitions each", func() (bool, error) { return one.has(2) && two.has(2), nil }); err != nil {
		return err
	}
	if err := one.close(); err != nil {
		return err
	}
	if err := cases.Until(ctx, "all partitions", func() (bool, error) { return two.has(4), nil }); err != nil {
		return err
	}
	later := []string{"later 0", "later 1", "later 2", "later 3"}
	for p := range int32(4) {
		err = errors.Join(err, write(topic, p, later[p:p+1]))
	}
	got, err2 := two.take(ctx, 4)
	two.commit()
	err = errors.Join(err, err2, cases.Expect(got, later, "after the commit"))
	return errors.Join(err, two.close(), committed(id, topic, 11))
}

// committed compares the offsets of the topic's first partitions.
func committed(id, topic string, want ...int64) error {
	return withAdmin(func(a sarama.ClusterAdmin) error {
		for p, w := range want {
			resp, err := a.ListConsumerGroupOffsets(id, map[string][]int32{topic: {int32(p)}})
			if err != nil {
				return err
			}
			if err := cases.Expect(resp.GetBlock(topic, int32(p)).Offset, w, "committed offset"); err != nil {
				return err
			}
		}
		return nil
	})
}

func transactions(ctx context.Context) error {
	source, topic, id := cases.Name("sarama"), cases.Name("sarama"), cases.Name("group")
	if err := errors.Join(create(source, 2), create(topic, 2), write(source, 0, cases.Values(5))); err != nil {
		return err
	}
	p, err := sarama.NewSyncProducer(cases.Brokers(), config(idempotent, func(c *sarama.Config) { c.Producer.Transaction.ID = cases.Name("txn") }))
	if err != nil {
		return err
	}
	offsets := map[string][]*sarama.PartitionOffsetMetadata{source: {{Partition: 0, Offset: 5}}}
	for _, step := range []func() error{
		p.BeginTxn, func() error { return send(p, topic, 0, "aborted") }, p.AbortTxn,
		p.BeginTxn, func() error { return send(p, topic, 0, "committed") },
		func() error { return p.AddOffsetsToTxn(offsets, id) }, p.CommitTxn, p.Close,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	seen, err := read(ctx, topic, 1, func(c *sarama.Config) { c.Consumer.IsolationLevel = sarama.ReadCommitted })
	err = errors.Join(err, cases.Expect(seen, []string{"committed"}, "committed"))
	all, err2 := read(ctx, topic, 2)
	return errors.Join(err, err2, cases.Expect(all, []string{"aborted", "committed"}, "all"), committed(id, source, 5))
}

func main() {
	cases.Run("github.com/IBM/sarama",
		cases.Case{Name: "produce", Run: roundTrip()},
		cases.Case{Name: "idempotent", Run: roundTrip(idempotent)},
		cases.Case{Name: "gzip", Run: codec(sarama.CompressionGZIP)},
		cases.Case{Name: "snappy", Run: codec(sarama.CompressionSnappy)},
		cases.Case{Name: "lz4", Run: codec(sarama.CompressionLZ4)},
		cases.Case{Name: "zstd", Run: codec(sarama.CompressionZSTD)},
		cases.Case{Name: "group", Run: group},
		cases.Case{Name: "transactions", Run: transactions},
		cases.Case{Name: "topics", Run: topics},
		cases.Case{Name: "offsets", Run: offsets},
		cases.Case{Name: "groups", Run: groups},
		cases.Case{Name: "sasl", Run: sasl},
	)
}

// scramClient is the exchange that sarama leaves to its users.
type scramClient struct{ *scram.ClientConversation }

func (c *scramClient) Begin(user, password, authzID string) error {
	client, err := scram.SHA256.NewClient(user, password, authzID)
	if err == nil {
		c.ClientConversation = client.NewConversation()
	}
	return err
}
