package group

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/sightlog/sightlog/broker/storage"
)

const session = 10 * time.Second

// coordinator returns one without groups. Its timers run by the clock of the bubble in
// which it is called; the store is only asked for offsets.
// consumerSession is the session timeout of consumer groups.
const consumerSession = 45 * time.Second

func coordinator(t *testing.T, s *storage.Store, topics ...Topic) *Coordinator {
	t.Helper()
	return New(Options{
		Store: s, Timers: &timer.Set{}, Log: slog.New(slog.DiscardHandler),
		MinSession: time.Second, MaxSession: time.Minute, Topics: func() []Topic { return topics },
		ConsumerTimes: func(string) (heartbeat, session time.Duration) { return time.Second, consumerSession },
	})
}

func openStore(t *testing.T) *storage.Store {
	t.Helper()
	s, err := storage.Open(t.TempDir(), storage.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func joinRequest(id string) *kmsg.JoinGroupRequest {
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version, req.Group, req.MemberID, req.ProtocolType = 3, "g", id, "consumer"
	req.SessionTimeoutMillis, req.RebalanceTimeoutMillis = int32(session.Milliseconds()), int32(session.Milliseconds())
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name, p.Metadata = "range", []byte("m")
	req.Protocols = append(req.Protocols, p)
	return req
}

func join(t *testing.T, c *Coordinator, id string) (<-chan *kmsg.JoinGroupResponse, string) {
	t.Helper()
	wait, id, err := c.Join(Client{ID: "client"}, joinRequest(id))
	require.NoError(t, err)
	return wait, id
}

func heartbeat(c *Coordinator, id string, generation int32) error {
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.MemberID, req.Generation = "g", id, generation
	return c.Heartbeat(req)
}

func syncGroup(t *testing.T, c *Coordinator, id string, generation int32, assignments map[string]string) <-chan *kmsg.SyncGroupResponse {
	t.Helper()
	req := kmsg.NewPtrSyncGroupRequest()
	req.Group, req.MemberID, req.Generation = "g", id, generation
	for member, a := range assignments {
		s := kmsg.NewSyncGroupRequestGroupAssignment()
		s.MemberID, s.MemberAssignment = member, []byte(a)
		req.GroupAssignment = append(req.GroupAssignment, s)
	}
	wait, err := c.Sync(req)
	require.NoError(t, err)
	return wait
}

func state(c *Coordinator) groupState {
	g := c.lock("g")
	defer g.mu.Unlock()
	return g.state
}

func TestClassicGroup_JoinSyncLeaveExpire_StatesAndAnswers(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	synctest.Test(t, func(t *testing.T) {
		c := coordinator(t, s)
		wait, a := join(t, c, "")
		first := <-wait
		require.Equal(t, []any{int32(1), a, groupCompleting}, []any{first.Generation, first.LeaderID, state(c)})
		require.Equal(t, "all", string((<-syncGroup(t, c, a, 1, map[string]string{a: "all"})).MemberAssignment))
		require.Equal(t, groupStable, state(c))
		require.NoError(t, heartbeat(c, a, 1))
		require.ErrorIs(t, heartbeat(c, a, 2), kerr.IllegalGeneration)
		require.ErrorIs(t, heartbeat(c, "unknown member", 1), kerr.UnknownMemberID)

		waitB, b := join(t, c, "") // a second member: the first has to join again
		require.Equal(t, groupPreparing, state(c))
		require.ErrorIs(t, heartbeat(c, a, 1), kerr.RebalanceInProgress)
		waitA, _ := join(t, c, a)
		joinedA, joinedB := <-waitA, <-waitB
		require.Equal(t, []int32{2, 2}, []int32{joinedA.Generation, joinedB.Generation})
		require.Len(t, joinedA.Members, 2, "the leader assigns")
		require.Empty(t, joinedB.Members)
		syncB := syncGroup(t, c, b, 2, nil)
		require.Empty(t, syncB, "it waits for the leader")
		syncGroup(t, c, a, 2, map[string]string{a: "1", b: "2"})
		require.Equal(t, "2", string((<-syncB).MemberAssignment))

		time.Sleep(session / 2)
		require.NoError(t, heartbeat(c, b, 2))
		time.Sleep(session/2 + time.Second) // a has sent nothing for its session
		synctest.Wait()
		require.ErrorIs(t, heartbeat(c, a, 2), kerr.UnknownMemberID)
		require.ErrorIs(t, heartbeat(c, b, 2), kerr.RebalanceInProgress)
		waitB, _ = join(t, c, b)
		require.Equal(t, b, (<-waitB).LeaderID)

		lm := kmsg.NewLeaveGroupRequestMember()
		lm.MemberID = b
		require.Equal(t, []error{nil}, c.Leave("g", []kmsg.LeaveGroupRequestMember{lm}))
		require.Equal(t, groupEmpty, state(c))
		c.opt.Timers.Stop()
	})
}

func TestClassicGroup_LeaderDoesNotSync_RemovedAfterTheRebalanceTimeout(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	synctest.Test(t, func(t *testing.T) {
		c := coordinator(t, s)
		wait, a := join(t, c, "")
		<-wait
		time.Sleep(session + time.Second)
		synctest.Wait()
		require.ErrorIs(t, heartbeat(c, a, 1), kerr.UnknownMemberID)
		require.Equal(t, groupEmpty, state(c))
		c.opt.Timers.Stop()
	})
}

// Members that start together are assigned partitions once, also where the group was there before:
// a rebalance costs those that wait for partitions two heartbeats.
func TestClassicGroup_MembersOfAnEmptyGroup_JoinInOneGeneration(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	synctest.Test(t, func(t *testing.T) {
		c := coordinator(t, s)
		c.opt.InitialDelay = 100 * time.Millisecond
		for generation := range int32(2) {
			began := time.Now()
			var ids []string
			var waits []<-chan *kmsg.JoinGroupResponse
			for range 4 {
				wait, id := join(t, c, "")
				ids, waits = append(ids, id), append(waits, wait)
				time.Sleep(60 * time.Millisecond)
			}
			for _, wait := range waits {
				require.Equal(t, generation*2+1, (<-wait).Generation)
			}
			require.Equal(t, 300*time.Millisecond, time.Since(began), "the first delay in which none joined is over")
			for _, id := range ids {
				lm := kmsg.NewLeaveGroupRequestMember()
				lm.MemberID = id
				require.Equal(t, []error{nil}, c.Leave("g", []kmsg.LeaveGroupRequestMember{lm}))
			}
			require.Equal(t, groupEmpty, state(c))
		}
		c.opt.Timers.Stop()
	})
}

// A client that was given its id has yet to join with it: the group waits for that, too.
func TestClassicGroup_MemberWithItsIDAlone_IsWaitedFor(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	synctest.Test(t, func(t *testing.T) {
		c := coordinator(t, s)
		c.opt.InitialDelay = 100 * time.Millisecond
		first, _ := join(t, c, "")
		req := joinRequest("")
		req.Version = 4
		_, id, err := c.Join(Client{ID: "client"}, req)
		require.ErrorIs(t, err, kerr.MemberIDRequired)
		time.Sleep(time.Second)
		second, _ := join(t, c, id)
		require.Equal(t, []int32{1, 1}, []int32{(<-first).Generation, (<-second).Generation})
		c.opt.Timers.Stop()
	})
}

// They are not waited for beyond the rebalance timeout, nor once all have left.
func TestClassicGroup_MembersKeepJoining_RebalanceTimeoutEndsTheWait(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	synctest.Test(t, func(t *testing.T) {
		c := coordinator(t, s)
		c.opt.InitialDelay = 4 * time.Second
		began := time.Now()
		first, _ := join(t, c, "")
		for range 3 {
			time.Sleep(3 * time.Second)
			join(t, c, "")
		}
		require.Equal(t, int32(1), (<-first).Generation)
		require.Equal(t, session, time.Since(began))
		c.opt.Timers.Stop()

		c = coordinator(t, s)
		c.opt.InitialDelay = 4 * time.Second
		wait, id := join(t, c, "")
		lm := kmsg.NewLeaveGroupRequestMember()
		lm.MemberID = id
		require.Equal(t, []error{nil}, c.Leave("g", []kmsg.LeaveGroupRequestMember{lm}))
		require.Equal(t, kerr.UnknownMemberID.Code, (<-wait).ErrorCode)
		require.Equal(t, groupEmpty, state(c))
		c.opt.Timers.Stop()
	})
}
