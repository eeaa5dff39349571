package alarm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
)

func repeat(n, times int) []int { return slices.Repeat([]int{n}, times) }

// A condition that fails for a moment goes on; the alarm begins when it first held, fires
// when it has held for long enough, and ends when it has not held for the rule's clear.
func TestWatch_PresenceThatFlickers_OneAlarmFromBeginningToEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.rules(map[string]string{"door": "person in door/mat for 2s", "two": "person in door/mat >= 2", "other": "person in yard"}))
	w.see("door", 0, 0, 1, 1, 0, 0, 1, 1, 2, 1, 0, 0)
	w.drain()
	require.Equal(t, []string{"door 0.5 2.5 - 1", "two 3.5 3.5 - 2"}, w.alarms())
	w.see("door", 6*time.Second, repeat(0, 20)...)
	w.drain()
	require.Equal(t, []string{"door 0.5 2.5 4.0 2", "two 3.5 3.5 3.5 2"}, w.alarms())
	require.ElementsMatch(t, []string{"hook began door t t", "hook began two t t", "hook ended door t t", "hook ended two t t"}, w.deliveries())
	pgtest.TotalsAgree(t, w.pool)
}

// A coat on a hanger is nobody, whatever zone its box is in.
func TestWatch_Thing_NoAlarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.rules(map[string]string{"mat": "person in door/mat", "door": "person in door", "many": "occupancy of door/mat > 0"}))
	w.state = event.StateThing
	w.see("door", 0, 1, 1, 1)
	w.drain()
	require.Empty(t, w.alarms())
	w.state = event.StateStationary
	w.see("door", 5*time.Second, 1)
	w.drain()
	require.Len(t, w.alarms(), 3, "somebody who sits is a person")
}

// However the records fall into transactions, and whichever sink writes them, the alarms
// are the same, and each is there once.
func TestWatch_ManySinksAndSmallTransactions_SameAlarms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := map[string]string{"door": "person in door/mat for 2s", "yard": "occupancy of yard/mat > 1 for 1s"}
	fill := func() {
		w.see("door", 0, slices.Concat(repeat(1, 9), repeat(0, 25), repeat(1, 3), repeat(0, 9), repeat(1, 7))...)
		w.see("yard", 0, slices.Concat(repeat(2, 2), repeat(1, 2), repeat(2, 5), repeat(0, 30))...)
	}
	fill()
	small := func(c *sink.Config) { c.MaxRecords = 3 }
	for range 3 {
		stop := w.start(w.rules(rules), small)
		w.await("some records", func() bool {
			return len(pgtest.Lines(t, w.pool, "SELECT 1 FROM sightings LIMIT 1")) > 0
		})
		stop()
	}
	w.start(w.rules(rules), small)
	w.start(w.rules(rules), small)
	w.drain()
	want := []string{"door 0.0 2.0 4.0 1", "yard 0.0 2.0 4.0 2", "door 23.0 25.0 - 1"}
	require.Equal(t, want, w.alarms())
	before := w.deliveries()
	w.seq = 0
	fill() // once more: the tables have these sightings
	w.drain()
	require.Equal(t, want, w.alarms())
	require.Equal(t, before, w.deliveries())
}

// What was long ago when it is found is recorded, and so is what comes soon after an alarm
// that was sent; neither is sent. Without a watcher, as in a replay, nothing is looked at.
func TestWatch_OldOrWithinCooldown_RecordedNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start(w.rules(map[string]string{"door": "person in door/mat"}, func(r *rule.Rule) { r.Cooldown, r.Clear = time.Minute, time.Second }))
	w.see("door", -2*time.Hour, 1, 0, 0, 0, 0, 0)
	w.see("door", 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0)
	w.see("door", 70*time.Second, 1)
	w.drain()
	require.Equal(t, []string{"door -7200.0 -7200.0 -7200.0 1 old", "door 0.0 0.0 0.0 1", "door 3.0 3.0 3.0 1 cooldown", "door 70.0 70.0 - 1"}, w.alarms())
	require.Equal(t, []string{"hook began door t t", "hook ended door t t", "hook began door t t"}, w.deliveries())
	stop()
	w.start(nil)
	w.see("door", 200*time.Second, 0, 1)
	w.drain()
	require.Len(t, w.alarms(), 4)
}

func TestWatch_CrossingsAndLongStays_EachOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.rules(map[string]string{"leave": "crossing of door/step out", "stay": "loitering in door/mat for 3s"}), func(c *sink.Config) { c.MaxRecords = 2 })
	w.cross("door", "step", 100*time.Second, "in", "out", "out")
	w.cross("door", "other", 100*time.Second, "out")
	w.see("door", 0, 1, 1, 2, 2, 2, 2, 1, 1, 1, 1)
	w.drain()
	require.Equal(t, []string{"stay 0.0 3.0 3.0 1", "leave 101.0 101.0 101.0 1", "leave 102.0 102.0 102.0 1"}, w.alarms())
	require.Len(t, w.deliveries(), 3)
}

// A moment is followed by the rule's cooldown, too, also in a later transaction.
func TestWatch_MomentsWithinCooldown_RecordedNotSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	metrics := prometheus.NewRegistry()
	rules := w.registered(metrics, map[string]string{"leave": "crossing of door/step out", "stay": "loitering in door/mat for 1s"},
		func(r *rule.Rule) { r.Cooldown = time.Minute })
	w.start(rules, func(c *sink.Config) { c.MaxRecords = 2 })
	w.cross("door", "step", 100*time.Second, "out", "out", "in", "out")
	w.cross("door", "step", 170*time.Second, "out")
	w.see("door", 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2)
	w.drain()
	require.Equal(t, []string{
		"stay 0.0 1.0 1.0 1", "stay 2.0 3.0 3.0 1 cooldown", "leave 100.0 100.0 100.0 1", "leave 101.0 101.0 101.0 1 cooldown",
		"leave 103.0 103.0 103.0 1 cooldown", "leave 170.0 170.0 170.0 1",
	}, w.alarms())
	require.ElementsMatch(t, []string{"hook began stay t t", "hook began leave t t", "hook began leave t t"}, w.deliveries())
	families, err := metrics.Gather()
	require.NoError(t, err)
	var n float64
	for _, m := range families[0].GetMetric() {
		n += m.GetCounter().GetValue()
	}
	require.InDelta(t, 6, n, 0, "each is counted once, however many sightings find it")
}

// A receiver that drops what falls into its quiet time is sent no end without its beginning, and
// each end of which it had the beginning.
func TestWatch_QuietTimeDrops_EndsFollowTheirBeginnings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var day rule.Window // today
	day.Days[origin.Weekday()] = true
	rules := func(quiet *rule.Window) *alarm.Rules {
		to := hook
		to.Quiet, to.Drop = quiet, true
		return w.made(alarm.Config{Receivers: []rule.Receiver{to}, Now: func() time.Time { return origin }}, map[string]string{"door": "person in door/mat"})
	}
	stop := w.start(rules(&day))
	w.see("door", 0, 1)
	w.drain()
	require.Empty(t, w.deliveries())
	stop()
	stop = w.start(rules(nil))
	w.see("door", time.Second, slices.Concat(repeat(0, 30), repeat(1, 1))...)
	w.drain()
	require.Equal(t, []string{"hook began door t t"}, w.deliveries())
	stop()
	w.start(rules(&day))
	w.see("door", 30*time.Second, repeat(0, 30)...)
	w.drain()
	require.Equal(t, []string{"hook began door t t", "hook ended door t t"}, w.deliveries())
	require.Equal(t, []string{"true true"}, pgtest.Lines(t, w.pool, `SELECT d.due > now(),
		(d.payload->>'fired_at')::timestamptz = a.fired_at FROM alarm_deliveries d JOIN alarms a ON a.id = d.alarm_id WHERE event = 'ended'`))
}

// What a camera without rules costs, and one with three of them that look at every frame.
func BenchmarkWatch(b *testing.B) {
	for name, rules := range map[string]map[string]string{
		"none":  nil,
		"rules": {"a": "person in door/mat for 2s", "b": "queue of door/mat > 3", "c": "occupancy of door/mat > 5"},
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			if rules == nil {
				w.start(nil)
			} else {
				w.start(w.rules(rules))
			}
			for b.Loop() {
				w.see("door", time.Duration(w.seq)*500*time.Millisecond, slices.Repeat([]int{2, 2, 0, 1}, 500)...)
				w.drain()
			}
			b.ReportMetric(float64(2000*b.N)/b.Elapsed().Seconds(), "sightings/s")
		})
	}
}

// A transaction that fails when it is to be committed is tried again: its alarm is counted once.
func TestWatch_TransactionTriedAgain_CountedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, sql := range []string{
		"CREATE SEQUENCE tries",
		`CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN IF nextval('tries') <= 2 THEN RAISE 'not yet' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$`,
		"CREATE CONSTRAINT TRIGGER fail_twice AFTER INSERT ON alarms DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail_twice()",
	} {
		_, err := w.pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	metrics := prometheus.NewRegistry()
	r, err := rule.Parse("person in door/mat")
	require.NoError(t, err)
	require.NoError(t, r.Resolve(rule.Known{}))
	r.Name = "door"
	w.start(alarm.New(alarm.Config{Rules: []rule.Rule{r}, Metrics: metrics}))
	w.see("door", 0, 1, 1)
	w.drain()
	require.Equal(t, []string{"3"}, pgtest.Lines(t, w.pool, "SELECT nextval('tries') - 1"))
	families, err := metrics.Gather()
	require.NoError(t, err)
	require.Len(t, families, 1)
	require.InDelta(t, 1, families[0].GetMetric()[0].GetCounter().GetValue(), 0)
}
