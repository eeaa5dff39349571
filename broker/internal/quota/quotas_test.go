package quota

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/sightlog/sightlog/broker/storage"
)

// clock is a clock that a test moves.
type clock struct{ t time.Time }

func (c *clock) pass(d time.Duration) { c.t = c.t.Add(d) }

func load(t *testing.T) (*Quotas, *clock) {
	t.Helper()
	s, err := storage.Open(t.TempDir(), storage.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	q, err := Load(s)
	require.NoError(t, err)
	c := &clock{time.Unix(1000, 0)}
	q.now = func() time.Time { return c.t }
	return q, c
}

func set(t *testing.T, q *Quotas, e Entity, limit string, value float64) {
	t.Helper()
	require.NoError(t, q.Alter(e, []Change{{Limit: limit, Value: value}}, false))
}

func TestQuotas_MoreThanTheLimit_WaitsUntilItIsPaid(t *testing.T) {
	t.Parallel()
	q, c := load(t)
	require.Zero(t, q.Charge(Produce, "u", "c", 1e9), "without a limit")
	set(t, q, Entity{ClientID: new("c")}, Produce, 1000)
	charge := func(n float64) time.Duration { return q.Charge(Produce, "u", "c", n) }
	require.Zero(t, charge(1000), "a second's worth")
	require.Equal(t, 500*time.Millisecond, charge(500))
	c.pass(500 * time.Millisecond)
	require.Zero(t, charge(0), "it is paid")
	require.Equal(t, 2*time.Second, charge(2000))
	c.pass(time.Second)
	require.Equal(t, 3*time.Second, charge(2000), "what was owed is added")
	c.pass(time.Hour)
	require.Zero(t, charge(1000))
	require.Equal(t, time.Second, charge(1000), "a rest of an hour gives a second's worth")
	require.Equal(t, maxWait, charge(1e12))
	require.Zero(t, q.Charge(Fetch, "u", "c", 1e9), "another limit")
}

func TestQuotas_SeveralThatAClientMeets_KafkasOrderDecides(t *testing.T) {
	t.Parallel()
	q, _ := load(t)
	// From the last to the first: each one that is set is the one that decides from then on.
	order := []Entity{
		{ClientID: nil}, {ClientID: new("c")}, {User: nil}, {User: nil, ClientID: nil}, {User: nil, ClientID: new("c")},
		{User: new("u")}, {User: new("u"), ClientID: nil}, {User: new("u"), ClientID: new("c")},
	}
	for i, e := range order {
		rate := float64(i + 1)
		set(t, q, e, Produce, rate)
		clear(q.buckets)
		require.Equal(t, time.Second, q.Charge(Produce, "u", "c", 2*rate), "%v", e)
	}
	for i := len(order) - 1; i > 0; i-- {
		require.NoError(t, q.Alter(order[i], []Change{{Limit: Produce, Remove: true}}, false))
		clear(q.buckets)
		require.Equal(t, time.Second, q.Charge(Produce, "u", "c", 2*float64(i)), "without %v", order[i])
	}
}

func TestQuotas_ClientsOfAnEntity_ShareItsLimit(t *testing.T) {
	t.Parallel()
	q, _ := load(t)
	set(t, q, Entity{User: new("u")}, Produce, 1000)
	set(t, q, Entity{ClientID: nil}, Produce, 1000)
	require.Zero(t, q.Charge(Produce, "u", "one", 1000))
	require.Equal(t, time.Second, q.Charge(Produce, "u", "two", 1000), "of one user")
	require.Zero(t, q.Charge(Produce, "v", "one", 1000), "the default: each has its own")
	require.Zero(t, q.Charge(Produce, "v", "two", 1000))
	require.Equal(t, time.Second, q.Charge(Produce, "w", "two", 1000), "one client id of two users")
}

func TestQuotas_ManyClients_BucketsThatAreFullAreRemoved(t *testing.T) {
	t.Parallel()
	q, c := load(t)
	set(t, q, Entity{ClientID: nil}, Produce, 1)
	for i := range maxBuckets {
		q.Charge(Produce, "u", string(rune(i)), 1)
	}
	require.Equal(t, time.Second, q.Charge(Produce, "u", string(rune(1)), 1), "it owes")
	c.pass(time.Second)
	q.Charge(Produce, "u", "new", 1)
	require.Len(t, q.buckets, 2, "the one that still owes, and the new one")
}

func TestQuotas_Mistakes_SayWhatAndWhy(t *testing.T) {
	t.Parallel()
	q, _ := load(t)
	for text, m := range map[string]struct {
		e     Entity
		limit string
		value float64
	}{
		"of nobody":               {Entity{}, Produce, 1},
		"without a name":          {Entity{User: new("")}, Produce, 1},
		`type "rack"`:             {Entity{"rack": new("a")}, Produce, 1},
		"max.connections":         {Entity{ip: new("::1")}, Produce, 1},
		"more than 0, not -1":     {Entity{User: nil}, Produce, -1},
		"more than 0, not NaN":    {Entity{User: nil}, Requests, math.NaN()},
		"this broker limits":      {Entity{User: nil}, "controller_mutation_rate", 1},
		`unknown quota "no_rate"`: {Entity{User: nil}, "no_rate", 1},
	} {
		err := q.Alter(m.e, []Change{{Limit: m.limit, Value: m.value}}, false)
		require.ErrorIs(t, err, kerr.InvalidRequest, text)
		require.ErrorContains(t, err, text)
	}
	require.True(t, q.Empty())
	require.NoError(t, q.Alter(Entity{User: nil}, []Change{{Limit: Produce, Value: 1}}, true))
	require.True(t, q.Empty(), "only checked")
}
