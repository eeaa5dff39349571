package broker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
)

// serveBroker runs a broker for the test's duration, or until stop is called.
func serveBroker(t testing.TB, cfg Config) (b *Broker, stop func()) {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	b, err := Open(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stopped := false
	stop = func() {
		if !stopped {
			stopped = true
			cancel()
			require.NoError(t, <-done)
		}
	}
	t.Cleanup(stop)
	return b, stop
}

func newClient(t testing.TB, b *Broker, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.Addr()),
		kgo.AllowAutoTopicCreation(),
		kgo.ProducerLinger(0),
		kgo.FetchMaxWait(200 * time.Millisecond),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// testContext ends with the test, or before a hang would be the test's end.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func record(topic string, i int) *kgo.Record {
	return &kgo.Record{Topic: topic, Key: fmt.Appendf(nil, "k%d", i%10), Value: fmt.Appendf(nil, "v%d", i)}
}

// consume polls until n records that are not control records have come.
func consume(t testing.TB, cl *kgo.Client, n int) (out []*kgo.Record) {
	t.Helper()
	ctx := testContext(t)
	for len(out) < n {
		fs := cl.PollFetches(ctx)
		require.NoError(t, fs.Err())
		fs.EachRecord(func(r *kgo.Record) {
			if !r.Attrs.IsControl() {
				out = append(out, r)
			}
		})
	}
	return out
}

func values(rs []*kgo.Record) []string {
	var out []string
	for _, r := range rs {
		out = append(out, string(r.Value))
	}
	return out
}

func TestProduce_Idempotent_ReadInOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := serveBroker(t, Config{Dir: dir, DefaultPartitions: 3})
	cl := newClient(t, b)
	var want []string
	for i := range 500 {
		r := &kgo.Record{Topic: "a", Key: []byte("same"), Value: fmt.Appendf(nil, "v%d", i)}
		want = append(want, string(r.Value))
		cl.Produce(testContext(t), r, func(_ *kgo.Record, err error) { require.NoError(t, err) })
	}
	require.NoError(t, cl.Flush(testContext(t)))
	require.Equal(t, want, values(consume(t, newClient(t, b, kgo.ConsumeTopics("a")), 500)))
	id := b.ClusterID()
	stop()

	b, _ = serveBroker(t, Config{Dir: dir})
	require.Equal(t, id, b.ClusterID())
	require.Equal(t, want, values(consume(t, newClient(t, b, kgo.ConsumeTopics("a")), 500)))
}

func TestTransaction_ReadCommitted_WholeOrNothing(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{DefaultPartitions: 4})
	ctx := testContext(t)
	p := newClient(t, b, kgo.TransactionalID("camera"))
	var want []string
	for i := range 20 {
		require.NoError(t, p.BeginTransaction())
		for j := range 10 {
			r := record("t", j)
			r.Value = fmt.Appendf(nil, "%d-%d", i, j)
			if i%3 != 0 {
				want = append(want, string(r.Value))
			}
			require.NoError(t, p.ProduceSync(ctx, r).FirstErr())
		}
		require.NoError(t, p.EndTransaction(ctx, i%3 != 0))
	}
	c := newClient(t, b, kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	require.ElementsMatch(t, want, values(consume(t, c, len(want))))
	u := newClient(t, b, kgo.ConsumeTopics("t"))
	require.Len(t, consume(t, u, 200), 200)
}

func TestTransaction_FencedProducer_CannotCommit(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	old := newClient(t, b, kgo.TransactionalID("camera"))
	require.NoError(t, old.BeginTransaction())
	require.NoError(t, old.ProduceSync(ctx, record("t", 1)).FirstErr())
	fresh := newClient(t, b, kgo.TransactionalID("camera"))
	require.NoError(t, fresh.BeginTransaction())
	require.NoError(t, fresh.ProduceSync(ctx, record("t", 2)).FirstErr())
	require.Error(t, old.EndTransaction(ctx, kgo.TryCommit))
	require.NoError(t, fresh.EndTransaction(ctx, kgo.TryCommit))
	c := newClient(t, b, kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.Equal(t, []string{"v2"}, values(consume(t, c, 1)))
}

func TestGroup_TwoMembers_SharePartitionsAndResume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := serveBroker(t, Config{Dir: dir, DefaultPartitions: 4})
	ctx := testContext(t)
	p := newClient(t, b)
	for i := range 100 {
		require.NoError(t, p.ProduceSync(ctx, record("g", i)).FirstErr())
	}
	group := []kgo.Opt{kgo.ConsumerGroup("sink"), kgo.ConsumeTopics("g"), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())}
	one := newClient(t, b, group...)
	two := newClient(t, b, group...)
	seen := map[string]bool{}
	for len(seen) < 100 {
		for _, cl := range []*kgo.Client{one, two} {
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			cl.PollFetches(short).EachRecord(func(r *kgo.Record) {
				seen[fmt.Sprint(r.Partition, "/", r.Offset)] = true
			})
			cancel()
			require.NoError(t, cl.CommitUncommittedOffsets(ctx))
		}
	}
	require.NoError(t, one.CommitUncommittedOffsets(ctx))
	require.NoError(t, two.CommitUncommittedOffsets(ctx))
	one.Close()
	two.Close()
	p.Close()
	stop()

	b, _ = serveBroker(t, Config{Dir: dir})
	p = newClient(t, b)
	require.NoError(t, p.ProduceSync(ctx, record("g", 1000)).FirstErr())
	three := newClient(t, b, group...)
	require.Equal(t, []string{"v1000"}, values(consume(t, three, 1)))
}

func TestConsumerGroup_TwoMembers_SharePartitions(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{DefaultPartitions: 6})
	ctx := context.WithValue(testContext(t), "opt_in_kafka_next_gen_balancer_beta", true) //nolint:staticcheck // the key that the client looks for
	p := newClient(t, b)
	for i := range 60 {
		require.NoError(t, p.ProduceSync(ctx, record("n", i)).FirstErr())
	}
	var group []*kgo.Client
	for range 3 {
		group = append(group, newClient(t, b, kgo.WithContext(ctx), kgo.ConsumerGroup("next"), kgo.ConsumeTopics("n"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())))
	}
	seen := map[string]bool{}
	owners := map[int]bool{}
	for i := 0; len(seen) < 60 || len(owners) < 3; i++ {
		if len(seen) == 60 {
			require.NoError(t, p.ProduceSync(ctx, record("n", i)).FirstErr())
		}
		for j, cl := range group {
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			cl.PollFetches(short).EachRecord(func(r *kgo.Record) {
				seen[string(r.Value)] = true
				owners[j] = true
			})
			cancel()
		}
	}
	gs, err := kadm.NewClient(p).ListGroups(ctx)
	require.NoError(t, err)
	require.Equal(t, "consumer", gs["next"].ProtocolType)
}

func TestClients_EveryVersion_Served(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]*kversion.Versions{
		"0.11": kversion.V0_11_0(), "1.0": kversion.V1_0_0(), "2.3": kversion.V2_3_0(), "2.8": kversion.V2_8_0(),
		"3.0": kversion.V3_0_0(), "3.7": kversion.V3_7_0(), "4.0": kversion.V4_0_0(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := serveBroker(t, Config{})
			ctx := testContext(t)
			p := newClient(t, b, kgo.MaxVersions(v), kgo.TransactionalID("old"))
			for i := range 4 {
				require.NoError(t, p.BeginTransaction())
				require.NoError(t, p.ProduceSync(ctx, record("t", i)).FirstErr())
				require.NoError(t, p.EndTransaction(ctx, i%2 == 0))
			}
			c := newClient(t, b, kgo.MaxVersions(v), kgo.ConsumerGroup("old"), kgo.ConsumeTopics("t"), kgo.DisableAutoCommit(),
				kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
			require.Equal(t, []string{"v0", "v2"}, values(consume(t, c, 2)))
			require.NoError(t, c.CommitUncommittedOffsets(ctx))
			os, err := kadm.NewClient(newClient(t, b, kgo.MaxVersions(v))).FetchOffsets(ctx, "old")
			require.NoError(t, err)
			at, _ := os.Lookup("t", 0)
			require.GreaterOrEqual(t, at.At, int64(5))
		})
	}
}
