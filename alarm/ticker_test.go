package alarm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/sink"
)

func (w *world) look(rules *alarm.Rules, at time.Duration) {
	w.Helper()
	require.NoError(w, (&alarm.Ticker{Rules: rules, Pool: w.pool}).Look(w.Context(), origin.Add(at)))
}

// A place is filled by two cameras, whose crossings come to different sinks; no balance is
// missed, also not one that is over when its transaction ends.
func TestWatch_PlaceOfTwoCameras_EachBalanceIsLookedAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, sink.StorePlaces(t.Context(), w.pool, []sink.Place{{
		Name: "hall", TZ: "UTC", Label: "person", Reset: time.Duration(origin.Add(-time.Hour).Hour()) * time.Hour,
		Lines: []sink.PlaceLine{{Camera: "door", Line: "step"}, {Camera: "gate", Line: "bar", Reversed: true}},
	}}))
	texts := map[string]string{"full": "occupancy of hall > 3", "long": "occupancy of hall > 3 for 1m"}
	rules := w.rules(texts)
	w.start(rules)
	w.start(w.rules(texts))
	w.cross("door", "step", 0, "in", "in")
	w.cross("gate", "bar", 2*time.Second, "out") // into the hall
	w.drain()
	require.Empty(t, w.alarms())
	w.cross("door", "step", 10*time.Second, "in", "out", "out") // four for a second
	w.drain()
	require.Equal(t, []string{"full 10.0 10.0 - 4"}, w.alarms())
	w.cross("door", "step", 40*time.Second, "in", "in")
	w.drain()
	require.Equal(t, []string{"full 10.0 10.0 11.0 4", "full 41.0 41.0 - 4"}, w.alarms())
	w.look(rules, 100*time.Second)
	require.Len(t, w.alarms(), 2)
	w.look(rules, 102*time.Second) // nothing happens, and a minute is over
	require.Equal(t, []string{"full 10.0 10.0 11.0 4", "full 41.0 41.0 - 4", "long 41.0 102.0 - 4"}, w.alarms())
	require.NoError(t, sink.StorePlaces(t.Context(), w.pool, nil)) // as at a reset: nobody is inside
	require.Len(t, w.deliveries(), 4)
}

// A camera of which nothing comes is found once, whoever looks, also after a restart; it
// ends when something comes.
func TestTicker_BlindCamera_OneAlarmUntilSomethingComes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := map[string]string{"blind": "camera door blind for 5m"}
	w.start(nil)
	w.see("door", 0, 1, 0)
	w.drain()
	w.look(w.rules(text), 299*time.Second)
	require.Empty(t, w.alarms())
	w.look(w.rules(text), 301*time.Second)
	w.look(w.rules(text), 400*time.Second)
	require.Equal(t, []string{"blind 0.5 300.5 - 0"}, w.alarms())
	w.see("door", 410*time.Second, 0)
	w.drain()
	w.look(w.rules(text), 411*time.Second)
	require.Equal(t, []string{"blind 0.5 300.5 410.0 0"}, w.alarms())
	require.Equal(t, []string{"hook began blind t t", "hook ended blind t t"}, w.deliveries())
}

// An alarm whose camera shows nothing more, as behind a motion gate, ends.
func TestTicker_NoMoreSightings_TheAlarmEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(map[string]string{"door": "person in door/mat"})
	w.start(rules)
	w.see("door", 0, 1, 1)
	w.drain()
	w.look(rules, 60*time.Second)
	require.Equal(t, []string{"door 0.0 0.0 - 1"}, w.alarms())
	w.look(rules, 72*time.Second)
	require.Equal(t, []string{"door 0.0 0.0 0.5 1"}, w.alarms())
	w.look(rules, 90*time.Second)
	require.Len(t, w.deliveries(), 2)
}

// The horizon is a time whose records are in the tables.
func TestHorizon_TablesBehindTheLog_NotKnownUntilTheyHoldIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := sink.Horizon{Client: w.cl, Pool: w.pool, Topics: kafka.Topics()}
	w.see("door", 0, 1, 1)
	at, err := h.Time(t.Context())
	require.NoError(t, err)
	require.Zero(t, at)
	w.start(nil)
	w.drain()
	at, err = h.Time(t.Context())
	require.NoError(t, err)
	require.False(t, at.IsZero())
	require.Equal(t, []string{"2"}, pgtest.Lines(t, w.pool, "SELECT count(*) FROM sightings"))
}

// A sink locks the states of its rules before the places of its crossings. The ticker holds no
// place while it waits for such a state: the two would wait for each other.
func TestTicker_StateIsLockedByASink_NoPlaceIsHeldMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.NoError(t, sink.StorePlaces(t.Context(), w.pool, []sink.Place{{
		Name: "hall", TZ: "UTC", Label: "person", Lines: []sink.PlaceLine{{Camera: "door", Line: "step"}},
	}}))
	rules := w.rules(map[string]string{"full": "occupancy of hall > 3", "door": "person in door/mat"})
	w.start(rules)
	w.see("door", 0, 1, 1)
	w.drain()
	tx, err := w.pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = tx.Exec(t.Context(), "SELECT FROM alarm_states WHERE rule = 'door' FOR UPDATE")
	require.NoError(t, err)
	looked := make(chan error, 1)
	go func() {
		looked <- (&alarm.Ticker{Rules: rules, Pool: w.pool}).Look(t.Context(), origin.Add(time.Hour))
	}()
	w.await("the ticker to wait for the state", func() bool {
		return len(pgtest.Lines(t, w.pool, "SELECT 1 FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple') LIMIT 1")) == 1
	})
	var free bool
	require.NoError(t, tx.QueryRow(t.Context(), "SELECT pg_try_advisory_xact_lock(hashtextextended('sightlog alarm hall', 0))").Scan(&free))
	require.True(t, free)
	require.NoError(t, tx.Rollback(t.Context()))
	require.NoError(t, <-looked)
	require.Equal(t, []string{"door 0.0 0.0 0.5 1"}, w.alarms())
}
