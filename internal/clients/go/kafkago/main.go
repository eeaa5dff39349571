// Command kafkago runs the cases with github.com/segmentio/kafka-go.
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/sightlog/sightlog/internal/clients/go/cases"
)

var client = &kafka.Client{Addr: kafka.TCP(cases.Brokers()...), Timeout: 30 * time.Second}

// toPartition is a balancer that always takes one partition.
type toPartition int

func (p toPartition) Balance(kafka.Message, ...int) int { return int(p) }

func create(ctx context.Context, by *kafka.Client, topic string, partitions int) error {
	resp, err := by.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: topic, NumPartitions: partitions, ReplicationFactor: 1},
	}})
	if err != nil {
		return err
	}
	return resp.Errors[topic]
}

func write(ctx context.Context, topic string, partition int, values []string, change ...func(*kafka.Writer)) error {
	w := &kafka.Writer{
		Addr: client.Addr, Topic: topic, RequiredAcks: kafka.RequireAll,
		Balancer: toPartition(partition), BatchTimeout: 20 * time.Millisecond,
	}
	for _, f := range change {
		f(w)
	}
	var batch []kafka.Message
	for _, v := range values {
		batch = append(batch, kafka.Message{Key: []byte("key"), Value: []byte(v), Headers: []kafka.Header{{Key: "h", Value: []byte("1")}}})
	}
	return errors.Join(w.WriteMessages(ctx, batch...), w.Close())
}

// take reads n records with their places.
func take(ctx context.Context, r *kafka.Reader, n int) (got []kafka.Message, err error) {
	for len(got) < n {
		m, err := r.FetchMessage(ctx)
		if err != nil {
			return got, err
		}
		got = append(got, m)
	}
	return got, nil
}

func text(messages []kafka.Message) []string {
	out := make([]string, len(messages))
	for i, m := range messages {
		out[i] = string(m.Value)
	}
	return out
}

func roundTrip(change ...func(*kafka.Writer)) func(context.Context) error {
	return func(ctx context.Context) error {
		topic := cases.Name("kafka-go")
		if err := create(ctx, client, topic, 2); err != nil {
			return err
		}
		if err := write(ctx, topic, 0, cases.Values(50), change...); err != nil {
			return err
		}
		r := kafka.NewReader(kafka.ReaderConfig{Brokers: cases.Brokers(), Topic: topic, Partition: 0, MaxWait: 100 * time.Millisecond})
		defer r.Close()
		got, err := take(ctx, r, 50)
		return errors.Join(err, cases.Expect(text(got), cases.Values(50), "values"))
	}
}

func codec(c kafka.Compression) func(context.Context) error {
	return roundTrip(func(w *kafka.Writer) { w.Compression = c })
}

func join(topic, id string) *kafka.Reader {
	return kafka.NewReader(kafka.ReaderConfig{
		Brokers: cases.Brokers(), GroupID: id, Topic: topic, StartOffset: kafka.FirstOffset,
		MaxWait: 100 * time.Millisecond, HeartbeatInterval: 300 * time.Millisecond, JoinGroupBackoff: 100 * time.Millisecond,
	})
}

// spread waits until the group's members have as many partitions each.
func spread(ctx context.Context, id string, want ...int) error {
	return cases.Until(ctx, fmt.Sprintf("members with %v partitions", want), func() (bool, error) {
		resp, err := client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{id}})
		if err != nil {
			return false, err
		}
		var got []int
		for _, m := range resp.Groups[0].Members {
			n := 0
			for _, t := range m.MemberAssignments.Topics {
				n += len(t.Partitions)
			}
			got = append(got, n)
		}
		return slices.Equal(got, want), nil
	})
}

func group(ctx context.Context) error {
	topic, id := cases.Name("kafka-go"), cases.Name("group")
	if err := create(ctx, client, topic, 4); err != nil {
		return err
	}
	for p := range 4 {
		if err := write(ctx, topic, p, cases.Values(10)); err != nil {
			return err
		}
	}
	one := join(topic, id)
	first, err := take(ctx, one, 40)
	if err != nil {
		return err
	}
	if err := one.CommitMessages(ctx, first...); err != nil {
		return err
	}
	two := join(topic, id)
	defer two.Close()
	if err := spread(ctx, id, 2, 2); err != nil {
		return err
	}
	if err := one.Close(); err != nil {
		return err
	}
	if err := spread(ctx, id, 4); err != nil {
		return err
	}
	later := []string{"later 0", "later 1", "later 2", "later 3"}
	for p := range 4 {
		if err := write(ctx, topic, p, later[p:p+1]); err != nil {
			return err
		}
	}
	rest, err := take(ctx, two, 4)
	if err != nil {
		return err
	}
	if err := cases.Expect(slices.Sorted(slices.Values(text(rest))), later, "after the commit"); err != nil {
		return err
	}
	return errors.Join(two.CommitMessages(ctx, rest...), committed(ctx, id, topic, 11, 11, 11, 11))
}

func committed(ctx context.Context, id, topic string, want ...int64) error {
	partitions := make([]int, len(want))
	for i := range partitions {
		partitions[i] = i
	}
	resp, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: id, Topics: map[string][]int{topic: partitions}})
	if err != nil {
		return err
	}
	got := make([]int64, len(want))
	for _, p := range resp.Topics[topic] {
		got[p.Partition] = p.CommittedOffset
	}
	return cases.Expect(got, want, "committed offsets")
}

func sasl(ctx context.Context) error {
	tls, err := cases.TLS()
	if err != nil {
		return err
	}
	mechanism, err := scram.Mechanism(scram.SHA256, cases.User, cases.Password)
	if err != nil {
		return err
	}
	transport := &kafka.Transport{TLS: tls, SASL: mechanism, Dial: (&net.Dialer{}).DialContext}
	addr := kafka.TCP(cases.Secure()...)
	topic := cases.Name("kafka-go")
	if err := create(ctx, &kafka.Client{Addr: addr, Transport: transport}, topic, 2); err != nil {
		return err
	}
	return write(ctx, topic, 0, cases.Values(3), func(w *kafka.Writer) { w.Addr, w.Transport = addr, transport })
}

// offsets does without DeleteRecords, which kafka-go does not have.
func offsets(ctx context.Context) error {
	topic := cases.Name("kafka-go")
	if err := create(ctx, client, topic, 2); err != nil {
		return err
	}
	if err := write(ctx, topic, 0, cases.Values(7)); err != nil {
		return err
	}
	resp, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		topic: {kafka.FirstOffsetOf(0), kafka.LastOffsetOf(0)},
	}})
	if err != nil {
		return err
	}
	p := resp.Topics[topic][0]
	conn, err := kafka.DialLeader(ctx, "tcp", cases.Brokers()[0], topic, 0)
	if err != nil {
		return err
	}
	defer conn.Close()
	byTime, err := conn.ReadOffset(time.UnixMilli(1))
	return errors.Join(err, cases.Expect([]int64{p.FirstOffset, p.LastOffset, byTime}, []int64{0, 7, 0}, "offsets"))
}

func main() {
	low := "the requests are there, but nothing that writes with them"
	cases.Run("github.com/segmentio/kafka-go",
		cases.Case{Name: "produce", Run: roundTrip()},
		cases.Case{Name: "idempotent", Run: cases.Absent("writes without a producer id")},
		cases.Case{Name: "gzip", Run: codec(kafka.Gzip)},
		cases.Case{Name: "snappy", Run: codec(kafka.Snappy)},
		cases.Case{Name: "lz4", Run: codec(kafka.Lz4)},
		cases.Case{Name: "zstd", Run: codec(kafka.Zstd)},
		cases.Case{Name: "group", Run: group},
		cases.Case{Name: "transactions", Run: cases.Absent(low)},
		cases.Case{Name: "topics", Run: topics},
		cases.Case{Name: "offsets", Run: offsets},
		cases.Case{Name: "groups", Run: groups},
		cases.Case{Name: "sasl", Run: sasl},
	)
}
