package group

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
)

// consumer is a client of the consumer protocol.
type consumer struct {
	t     *testing.T
	c     *Coordinator
	id    string
	epoch int32
	owned []int32 // of the one topic
}

var topicID = wire.UUID{1}

// beat sends a heartbeat, with the owned partitions, and takes the answer's assignment.
func (k *consumer) beat() error {
	req := kmsg.NewPtrConsumerGroupHeartbeatRequest()
	req.Version, req.Group, req.MemberID, req.MemberEpoch = 1, "g", k.id, k.epoch
	if k.epoch == epochJoin {
		req.RebalanceTimeoutMillis, req.SubscribedTopicNames = 5000, []string{"t"}
	} else if k.epoch > 0 {
		rt := kmsg.NewConsumerGroupHeartbeatRequestTopic()
		rt.TopicID, rt.Partitions = topicID, k.owned
		req.Topics = []kmsg.ConsumerGroupHeartbeatRequestTopic{rt}
	}
	resp := kmsg.NewPtrConsumerGroupHeartbeatResponse()
	if err := k.c.ConsumerHeartbeat(Client{}, req, resp); err != nil {
		return err
	}
	k.epoch = resp.MemberEpoch
	if resp.Assignment != nil {
		k.owned = nil
		for _, a := range resp.Assignment.Topics {
			k.owned = append(k.owned, a.Partitions...)
		}
	}
	return nil
}

func TestConsumerGroup_JoinRevokeLeaveExpire_EachPartitionOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	synctest.Test(t, func(t *testing.T) {
		c := coordinator(t, s, Topic{ID: topicID, Name: "t", Partitions: 4})
		a, b := &consumer{t: t, c: c, id: "a"}, &consumer{t: t, c: c, id: "b"}
		require.NoError(t, a.beat())
		require.Equal(t, []int32{0, 1, 2, 3}, a.owned)
		require.NoError(t, b.beat())
		require.Empty(t, b.owned, "a has all partitions until it revokes some")
		require.NoError(t, a.beat())
		require.Len(t, a.owned, 2, "it is to revoke two")
		require.NoError(t, b.beat())
		require.Empty(t, b.owned, "a has not said that it revoked them")
		require.NoError(t, a.beat())
		require.NoError(t, b.beat())
		require.ElementsMatch(t, []int32{0, 1, 2, 3}, slices.Concat(a.owned, b.owned))
		require.Equal(t, a.epoch, b.epoch)

		require.ErrorIs(t, (&consumer{c: c, id: "unknown member", epoch: 1}).beat(), kerr.UnknownMemberID)
		require.ErrorIs(t, (&consumer{c: c, id: "b", epoch: b.epoch + 5}).beat(), kerr.FencedMemberEpoch)

		for range 2 { // b sends nothing for its session, a is not
			time.Sleep(consumerSession/2 + time.Second)
			require.NoError(t, a.beat())
		}
		synctest.Wait()
		require.ErrorIs(t, b.beat(), kerr.UnknownMemberID)
		require.NoError(t, a.beat())
		require.ElementsMatch(t, []int32{0, 1, 2, 3}, a.owned)

		a.epoch = epochLeave
		require.NoError(t, a.beat())
		require.False(t, c.HasConsumers("g"))
		c.opt.Timers.Stop()
	})
}

// A group without members keeps its protocol while it has offsets, until a classic member
// joins or it is deleted.
func TestConsumerGroup_WithoutMembers_StaysOfItsProtocol(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	c := coordinator(t, s, Topic{ID: topicID, Name: "t", Partitions: 1})
	a := &consumer{t: t, c: c, id: "a"}
	joinAndLeave := func() {
		a.epoch = epochJoin
		require.NoError(t, a.beat())
		a.epoch = epochLeave
		require.NoError(t, a.beat())
	}
	joinAndLeave()
	var commit storage.Commit
	PutOffset(&commit, "g", rows.OffsetKey("t", 0), rows.Offset{Offset: 5, At: time.Now().UnixMilli()})
	require.NoError(t, s.Do(&commit))
	c.ExpireOffsets(time.Now().Add(-time.Hour))
	empty := Listed{"g", "consumer", "Empty", "consumer"}
	require.Equal(t, []Listed{empty}, c.List())
	var described kmsg.ConsumerGroupDescribeResponseGroup
	require.True(t, c.DescribeConsumers("g", &described))
	require.Equal(t, "uniform", described.AssignorName)
	require.NoError(t, c.CheckCommit("g", "", nil, -1))

	g, err := c.lockToJoin("g", true) // of the classic protocol
	require.NoError(t, err)
	g.mu.Unlock()
	require.False(t, c.DescribeConsumers("g", &described))
	joinAndLeave()
	require.Equal(t, []Listed{empty}, c.List())
	require.NoError(t, c.Delete("g"))
	require.Empty(t, c.List())
	require.ErrorIs(t, c.Delete("g"), kerr.GroupIDNotFound)
	joinAndLeave()
	c.ExpireOffsets(time.Now())
	require.Empty(t, c.List(), "it has no offsets")
	c.opt.Timers.Stop()
}

func TestConsumerGroup_RevocationTooLate_MemberRemoved(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	synctest.Test(t, func(t *testing.T) {
		c := coordinator(t, s, Topic{ID: topicID, Name: "t", Partitions: 2})
		a, b := &consumer{t: t, c: c, id: "a"}, &consumer{t: t, c: c, id: "b"}
		require.NoError(t, a.beat())
		require.NoError(t, b.beat())
		require.NoError(t, a.beat()) // it is to revoke one, and then says nothing
		time.Sleep(6 * time.Second)
		synctest.Wait()
		require.ErrorIs(t, a.beat(), kerr.UnknownMemberID)
		require.NoError(t, b.beat())
		require.ElementsMatch(t, []int32{0, 1}, b.owned)
		c.opt.Timers.Stop()
	})
}

func TestConsumerGroup_SessionMadeShorter_FromTheNextHeartbeatOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coordinator(t, openStore(t), Topic{ID: topicID, Name: "t", Partitions: 1})
		session := consumerSession
		c.opt.ConsumerTimes = func(string) (time.Duration, time.Duration) { return time.Second, session }
		a := &consumer{t: t, c: c, id: "a"}
		require.NoError(t, a.beat())
		session = 2 * time.Second
		require.NoError(t, a.beat())
		time.Sleep(time.Second)
		require.NoError(t, a.beat())
		time.Sleep(3 * time.Second)
		synctest.Wait()
		require.ErrorIs(t, a.beat(), kerr.UnknownMemberID)

		session, a.epoch = time.Minute, epochJoin
		require.NoError(t, a.beat())
		time.Sleep(50 * time.Second)
		synctest.Wait()
		require.NoError(t, a.beat(), "made longer")
		c.opt.Timers.Stop()
	})
}
