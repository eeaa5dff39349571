package broker

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestTopicSettings_Restart_AreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := serveBroker(t, Config{Dir: dir})
	ctx := testContext(t)
	adm := kadm.NewClient(newClient(t, b))
	_, err := adm.CreateTopic(ctx, 2, 1, map[string]*string{"cleanup.policy": new("compact")}, "runs")
	require.NoError(t, err)
	_, err = adm.CreateTopic(ctx, 1, 1, map[string]*string{"cleanup.policy": new("burn")}, "no")
	require.ErrorIs(t, err, kerr.InvalidConfig)
	rs, err := adm.AlterTopicConfigs(ctx, []kadm.AlterConfig{
		{Op: kadm.SetConfig, Name: "retention.ms", Value: new("1000")},
		{Op: kadm.AppendConfig, Name: "cleanup.policy", Value: new("delete")},
	}, "runs")
	require.NoError(t, err)
	require.NoError(t, rs[0].Err)
	more, err := adm.UpdatePartitions(ctx, 5, "runs")
	require.NoError(t, err)
	require.NoError(t, more.Error())
	stop()

	b, _ = serveBroker(t, Config{Dir: dir})
	adm = kadm.NewClient(newClient(t, b))
	cs, err := adm.DescribeTopicConfigs(ctx, "runs")
	require.NoError(t, err)
	got := map[string]string{}
	for _, c := range cs[0].Configs {
		got[c.Key] = c.MaybeValue()
	}
	require.Equal(t, "compact,delete", got["cleanup.policy"])
	require.Equal(t, "1000", got["retention.ms"])
	ts, err := adm.ListTopics(ctx, "runs")
	require.NoError(t, err)
	require.Len(t, ts["runs"].Partitions, 5)
}

func TestCreatePartitions_TopicNamedTwice_RefusedOnceAndUnchanged(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	cl := newClient(t, b)
	adm := kadm.NewClient(cl)
	_, err := adm.CreateTopics(ctx, 1, 1, nil, "twice", "once")
	require.NoError(t, err)
	req := kmsg.NewPtrCreatePartitionsRequest()
	for _, name := range []string{"twice", "once", "twice"} {
		rt := kmsg.NewCreatePartitionsRequestTopic()
		rt.Topic, rt.Count = name, 3
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(ctx, cl)
	require.NoError(t, err)
	codes := map[string]int16{}
	for _, rt := range resp.Topics {
		codes[rt.Topic] = rt.ErrorCode
	}
	require.Len(t, resp.Topics, 2)
	require.Equal(t, map[string]int16{"twice": kerr.InvalidRequest.Code, "once": 0}, codes)
	ts, err := adm.ListTopics(ctx)
	require.NoError(t, err)
	require.Len(t, ts["twice"].Partitions, 1)
	require.Len(t, ts["once"].Partitions, 3)
}

func TestDeleteRecords_Restart_StayDeleted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := serveBroker(t, Config{Dir: dir})
	ctx := testContext(t)
	cl := newClient(t, b)
	for i := range 10 {
		require.NoError(t, cl.ProduceSync(ctx, record("d", i)).FirstErr())
	}
	var offs kadm.Offsets
	offs.Add(kadm.Offset{Topic: "d", At: 7})
	_, err := kadm.NewClient(cl).DeleteRecords(ctx, offs)
	require.NoError(t, err)
	stop()
	b, _ = serveBroker(t, Config{Dir: dir})
	require.Equal(t, []string{"v7", "v8", "v9"}, values(consume(t, newClient(t, b, kgo.ConsumeTopics("d")), 3)))
}

func TestListOffsets_TimestampInsideABatch_RecordFound(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	cl := newClient(t, b, kgo.ProducerLinger(50*time.Millisecond), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	var rs []*kgo.Record
	for i := range 10 {
		r := record("s", i)
		r.Timestamp = time.UnixMilli(int64(1000 + i))
		rs = append(rs, r)
	}
	require.NoError(t, cl.ProduceSync(ctx, rs...).FirstErr())
	los, err := kadm.NewClient(cl).ListOffsetsAfterMilli(ctx, 1007, "s")
	require.NoError(t, err)
	lo, _ := los.Lookup("s", 0)
	require.Equal(t, int64(7), lo.Offset)
	require.Equal(t, int64(1007), lo.Timestamp)
	los, err = kadm.NewClient(cl).ListMaxTimestampOffsets(ctx, "s")
	require.NoError(t, err)
	lo, _ = los.Lookup("s", 0)
	require.Equal(t, int64(9), lo.Offset)
}

func TestProduce_LogAppendTime_BrokersClock(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	cl := newClient(t, b)
	_, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 1, map[string]*string{"message.timestamp.type": new("LogAppendTime")}, "now")
	require.NoError(t, err)
	before := time.Now().Truncate(time.Millisecond)
	r := record("now", 1)
	r.Timestamp = time.UnixMilli(5)
	require.NoError(t, cl.ProduceSync(ctx, r).FirstErr())
	// The client checks the CRC, which covers what was stamped.
	got := consume(t, newClient(t, b, kgo.ConsumeTopics("now")), 1)[0]
	require.False(t, got.Timestamp.Before(before), "%v", got.Timestamp)
}

func TestProduce_BatchAboveTheLimit_MessageTooLarge(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	cl := newClient(t, b, kgo.ProducerBatchCompression(kgo.NoCompression()))
	_, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 1, map[string]*string{"max.message.bytes": new("2000")}, "small")
	require.NoError(t, err)
	require.ErrorIs(t, cl.ProduceSync(ctx, &kgo.Record{Topic: "small", Value: make([]byte, 3000)}).FirstErr(), kerr.MessageTooLarge)
	require.NoError(t, cl.ProduceSync(ctx, &kgo.Record{Topic: "small", Value: make([]byte, 1000)}).FirstErr())
}

func TestProduce_TimestampFarFromTheClock_InvalidTimestamp(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	cl := newClient(t, b)
	hour := new("3600000")
	_, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 1, map[string]*string{
		"message.timestamp.after.max.ms": hour, "message.timestamp.before.max.ms": hour,
	}, "now")
	require.NoError(t, err)
	for ahead, want := range map[time.Duration]map[string]error{
		0:              {"now": nil, "other": nil},
		2 * time.Hour:  {"now": kerr.InvalidTimestamp, "other": kerr.InvalidTimestamp}, // an hour by default
		-2 * time.Hour: {"now": kerr.InvalidTimestamp, "other": nil},
	} {
		for topic, want := range want {
			r := record(topic, 1)
			r.Timestamp = time.Now().Add(ahead)
			require.ErrorIs(t, cl.ProduceSync(ctx, r).FirstErr(), want, "%s: %v", topic, ahead)
		}
	}
}

func TestTransaction_TimesOut_AbortedAndProducerFenced(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	p := newClient(t, b, kgo.TransactionalID("slow"), kgo.TransactionTimeout(100*time.Millisecond))
	require.NoError(t, p.BeginTransaction())
	require.NoError(t, p.ProduceSync(ctx, record("t", 1)).FirstErr())
	// Reading committed, the record after is seen only when the transaction
	// before it has ended.
	other := newClient(t, b)
	require.NoError(t, other.ProduceSync(ctx, record("t", 2)).FirstErr())
	c := newClient(t, b, kgo.ConsumeTopics("t"), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	require.Equal(t, []string{"v2"}, values(consume(t, c, 1)))
	require.Error(t, p.EndTransaction(ctx, kgo.TryCommit))
}

func TestTransaction_OffsetsAndRecords_CommitTogether(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b, stop := serveBroker(t, Config{Dir: dir})
	ctx := testContext(t)
	in := newClient(t, b)
	for i := range 20 {
		require.NoError(t, in.ProduceSync(ctx, record("in", i)).FirstErr())
	}
	s, err := kgo.NewGroupTransactSession(kgo.SeedBrokers(b.Addr()), kgo.AllowAutoTopicCreation(),
		kgo.TransactionalID("eos"), kgo.ConsumerGroup("eos"), kgo.ConsumeTopics("in"),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	for done := 0; done < 20; {
		fs := s.PollRecords(ctx, 3)
		require.NoError(t, fs.Err())
		require.NoError(t, s.Begin())
		n := 0
		fs.EachRecord(func(r *kgo.Record) {
			n++
			s.Produce(ctx, &kgo.Record{Topic: "out", Value: r.Value}, nil)
		})
		committed, err := s.End(ctx, kgo.TryCommit)
		require.NoError(t, err)
		if committed {
			done += n
		}
	}
	s.Close()
	stop()
	b, _ = serveBroker(t, Config{Dir: dir})
	os, err := kadm.NewClient(newClient(t, b)).FetchOffsets(ctx, "eos")
	require.NoError(t, err)
	at, _ := os.Lookup("in", 0)
	require.Equal(t, int64(20), at.At)
	require.Len(t, consume(t, newClient(t, b, kgo.ConsumeTopics("out"), kgo.FetchIsolationLevel(kgo.ReadCommitted())), 20), 20)
}

func TestGroup_AdminRequests_ListedDescribedDeleted(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	cl := newClient(t, b)
	adm := kadm.NewClient(cl)
	require.NoError(t, cl.ProduceSync(ctx, record("g", 1)).FirstErr())
	member := newClient(t, b, kgo.ConsumerGroup("sink"), kgo.ConsumeTopics("g"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	consume(t, member, 1)
	require.NoError(t, member.CommitUncommittedOffsets(ctx))
	ds, err := adm.DescribeGroups(ctx, "sink")
	require.NoError(t, err)
	require.Equal(t, "Stable", ds["sink"].State)
	require.Len(t, ds["sink"].Members, 1)
	del, err := adm.DeleteGroups(ctx, "sink")
	require.NoError(t, err)
	require.ErrorIs(t, del.Error(), kerr.NonEmptyGroup)
	member.Close()
	gs, err := adm.ListGroups(ctx)
	require.NoError(t, err)
	require.Equal(t, "Empty", gs["sink"].State)
	lag, err := adm.Lag(ctx, "sink")
	require.NoError(t, err)
	require.Equal(t, int64(0), lag["sink"].Lag.Total())
	del, err = adm.DeleteGroups(ctx, "sink")
	require.NoError(t, err)
	require.NoError(t, del.Error())
	gs, err = adm.ListGroups(ctx)
	require.NoError(t, err)
	require.NotContains(t, gs, "sink")
}

func TestStaticMember_Returns_NoRebalance(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{DefaultPartitions: 2})
	ctx := testContext(t)
	require.NoError(t, newClient(t, b).ProduceSync(ctx, record("s", 1)).FirstErr())
	join := func() *kgo.Client {
		cl := newClient(t, b, kgo.ConsumerGroup("static"), kgo.InstanceID("one"), kgo.ConsumeTopics("s"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
		consume(t, cl, 1)
		return cl
	}
	one := join()
	_, generation := one.GroupMetadata()
	one.Close() // a static member does not leave
	again := join()
	_, second := again.GroupMetadata()
	require.Equal(t, generation, second)
}

func TestMember_SessionExpires_Removed(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{GroupMinSession: 50 * time.Millisecond})
	ctx := testContext(t)
	cl := newClient(t, b)
	join := kmsg.NewPtrJoinGroupRequest()
	join.Group, join.ProtocolType = "g", "consumer"
	join.SessionTimeoutMillis, join.RebalanceTimeoutMillis = 100, 1000
	protocol := kmsg.NewJoinGroupRequestProtocol()
	protocol.Name, protocol.Metadata = "range", []byte{}
	join.Protocols = append(join.Protocols, protocol)
	resp, err := cl.Request(ctx, pinned{join, 3})
	require.NoError(t, err)
	joined := resp.(*kmsg.JoinGroupResponse)
	require.Zero(t, joined.ErrorCode)
	sync := kmsg.NewPtrSyncGroupRequest()
	sync.Group, sync.MemberID, sync.Generation = "g", joined.MemberID, joined.Generation
	synced, err := sync.RequestWith(ctx, cl)
	require.NoError(t, err)
	require.Zero(t, synced.ErrorCode)
	require.Eventually(t, func() bool {
		ds, err := kadm.NewClient(cl).DescribeGroups(ctx, "g")
		return err == nil && len(ds["g"].Members) == 0
	}, 30*time.Second, 10*time.Millisecond)
}

func TestOffsets_EmptyGroup_Expire(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{OffsetRetention: time.Hour})
	ctx := testContext(t)
	cl := newClient(t, b)
	require.NoError(t, cl.ProduceSync(ctx, record("g", 1)).FirstErr())
	adm := kadm.NewClient(cl)
	var offs kadm.Offsets
	offs.Add(kadm.Offset{Topic: "g", At: 1})
	require.NoError(t, adm.CommitAllOffsets(ctx, "gone", offs))
	b.cleanOnce(ctx, time.Now())
	os, err := adm.FetchOffsets(ctx, "gone")
	require.NoError(t, err)
	require.Len(t, os, 1)
	b.cleanOnce(ctx, time.Now().Add(2*time.Hour))
	require.NoError(t, b.store.Do(&storage.Commit{})) // what was lazy is done
	os, err = adm.FetchOffsets(ctx, "gone")
	require.NoError(t, err)
	require.Empty(t, os)
}

func TestFlush_EveryPolicyCleanStop_RecordsKept(t *testing.T) {
	t.Parallel()
	for name, flush := range map[string]storage.Flush{"always": storage.FlushAlways, "interval": storage.FlushInterval, "os": storage.FlushOS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b, stop := serveBroker(t, Config{Dir: dir, Flush: flush, FlushInterval: time.Millisecond, JournalBytes: 10_000})
			cl := newClient(t, b)
			var want []string
			for i := range 300 {
				r := &kgo.Record{Topic: "f", Value: fmt.Appendf(nil, "v%d", i)}
				want = append(want, string(r.Value))
				require.NoError(t, cl.ProduceSync(context.Background(), r).FirstErr())
			}
			stop()
			b, _ = serveBroker(t, Config{Dir: dir})
			require.Equal(t, want, values(consume(t, newClient(t, b, kgo.ConsumeTopics("f")), 300)))
		})
	}
}
