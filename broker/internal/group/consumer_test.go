package group

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/broker/internal/wire"
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
