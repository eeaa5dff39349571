package txn

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/sightlog/sightlog/broker/storage"
)

func coordinator(t *testing.T) *Coordinator {
	t.Helper()
	s, err := storage.Open(t.TempDir(), storage.Options{})
	require.NoError(t, err)
	timers := &timer.Set{}
	c, err := Load(Options{
		Store: s, Timers: timers, Log: slog.New(slog.DiscardHandler), MaxTimeout: time.Hour,
		Partition: func(string, int32) *storage.Log { return nil },
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		timers.Stop()
		c.Wait()
		require.NoError(t, s.Close())
	})
	return c
}

// initialise returns the producer that the transactional id is given.
func initialise(t *testing.T, c *Coordinator, timeout int32, p Producer) Producer {
	t.Helper()
	next, wait, err := c.Init("id", timeout, p)
	require.NoError(t, err)
	require.NoError(t, wait())
	return next
}

func addOffset(t *testing.T, c *Coordinator, p Producer, offset int64) {
	t.Helper()
	tx := c.Lock("id")
	require.NoError(t, tx.Check(p))
	wait := c.AddOffsets(tx, "g", map[string]rows.Offset{"t/0": {Offset: offset}})
	tx.Unlock()
	require.NoError(t, wait())
}

func state(c *Coordinator) State { return c.Describe()[0].State }

func TestTxn_BeginCommitAbort_StatesAndOffsets(t *testing.T) {
	t.Parallel()
	c := coordinator(t)
	p := initialise(t, c, 60_000, NoProducer)
	require.Equal(t, Empty, state(c))
	for i, commit := range []bool{true, false} {
		addOffset(t, c, p, int64(i))
		require.Equal(t, Ongoing, state(c))
		require.True(t, c.HasPendingOffset("g", "t/0"))
		next, wait, err := c.End("id", p, commit, true)
		require.NoError(t, err)
		require.NoError(t, wait())
		require.Equal(t, map[bool]State{true: CompleteCommit, false: CompleteAbort}[commit], state(c))
		require.False(t, c.HasPendingOffset("g", "t/0"))
		require.Equal(t, Producer{p.ID, p.Epoch + 1}, next)

		again, wait, err := c.End("id", p, commit, true) // a retry: the answer was lost
		require.NoError(t, err)
		require.NoError(t, wait())
		require.Equal(t, next, again)
		p = next
	}
}

func TestTxn_NewInstance_AbortsAndFencesTheOld(t *testing.T) {
	t.Parallel()
	c := coordinator(t)
	old := initialise(t, c, 60_000, NoProducer)
	addOffset(t, c, old, 1)
	current := initialise(t, c, 60_000, NoProducer)
	require.Equal(t, old.ID, current.ID)
	require.Greater(t, current.Epoch, old.Epoch)
	require.False(t, c.HasPendingOffset("g", "t/0"), "its transaction is aborted")

	tx := c.Lock("id")
	require.ErrorIs(t, tx.Check(old), kerr.ProducerFenced)
	require.NoError(t, tx.Check(current))
	tx.Unlock()
	require.ErrorIs(t, c.Verify(new("id"), old, Partition{}, true), kerr.InvalidProducerEpoch)
	require.ErrorIs(t, c.Verify(new("other"), current, Partition{}, true), kerr.InvalidProducerIDMapping)
	require.ErrorIs(t, c.Verify(new("id"), current, Partition{}, false), kerr.InvalidTxnState, "the partition was not added")
	_, _, err := c.Init("id", 60_000, old)
	require.ErrorIs(t, err, kerr.ProducerFenced)
	_, _, err = c.Init("id", 0, NoProducer)
	require.ErrorIs(t, err, kerr.InvalidTransactionTimeout)
}

// A client that starts with id and epoch 0, or whose transactional id expired, goes on.
func TestTxn_ProducerOfAnUnknownID_IsGivenANewOne(t *testing.T) {
	t.Parallel()
	c := coordinator(t)
	other, reserved := c.NewProducerID()
	require.NoError(t, reserved())
	p := initialise(t, c, 60_000, Producer{ID: other, Epoch: 7})
	require.NotEqual(t, other, p.ID)
	require.Zero(t, p.Epoch)
	require.Equal(t, Producer{p.ID, 1}, initialise(t, c, 60_000, p), "it is the current one")
	_, _, err := c.Init("id", 60_000, Producer{ID: other, Epoch: 7})
	require.ErrorIs(t, err, kerr.ProducerFenced, "the id is known now")
}

func TestTxn_OpenLongerThanItsTimeout_Aborted(t *testing.T) {
	t.Parallel()
	c := coordinator(t)
	p := initialise(t, c, 1, NoProducer)
	tx := c.Lock("id")
	wait := c.AddOffsets(tx, "g", map[string]rows.Offset{"t/0": {Offset: 1}})
	tx.Unlock()
	require.NoError(t, wait())
	require.Eventually(t, func() bool { return state(c) == CompleteAbort }, time.Minute, time.Millisecond)
	require.False(t, c.HasPendingOffset("g", "t/0"))
	tx = c.Lock("id")
	defer tx.Unlock()
	require.ErrorIs(t, tx.Check(p), kerr.ProducerFenced)
}
