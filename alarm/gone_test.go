package alarm_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

func (w *world) endRemoved(rules *alarm.Rules) {
	w.Helper()
	require.NoError(w, (&alarm.Ticker{Rules: rules, Pool: w.pool}).EndRemoved(w.Context()))
}

// age lets time pass since the processes said which rules they have.
func (w *world) age(interval string) {
	w.Helper()
	_, err := w.pool.Exec(w.Context(), "UPDATE alarm_rules SET looked_at = looked_at - $1::interval", interval)
	require.NoError(w, err)
}

func (w *world) outcomes() []string {
	w.Helper()
	return pgtest.Lines(w, w.pool, "SELECT concat_ws(' ', rule, subject, ended_at >= fired_at, outcome) FROM alarms ORDER BY rule, subject")
}

// An alarm that is open when its rule is taken out of the configuration ends once no process has the
// rule any more, and says so; the receivers that were told of its beginning are told.
func TestEndRemoved_RuleThatNobodyHas_TheAlarmEndsAndSaysWhy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	with := w.rules(map[string]string{"kept": "person in door", "gone": "person in door/mat"})
	w.start(with)
	w.see("door", 0, 1, 1)
	w.drain()
	without := w.rules(map[string]string{"kept": "person in door"})
	w.endRemoved(without) // nobody has spoken of it: the time begins
	w.age("4 min")
	w.endRemoved(without)
	require.Equal(t, []string{"gone door/mat", "kept door"}, w.outcomes())
	w.age("10 min")
	w.endRemoved(with) // this process has it
	require.Equal(t, []string{"gone door/mat", "kept door"}, w.outcomes())
	w.endRemoved(without)
	w.endRemoved(without)
	require.Equal(t, []string{"gone door/mat t rule removed", "kept door"}, w.outcomes())
	require.Equal(t, []string{"hook began gone t t", "hook began kept t t", "hook ended gone t t"}, slices.Sorted(slices.Values(w.deliveries())))
	require.Equal(t, []string{"rule removed t"}, pgtest.Lines(t, w.pool,
		"SELECT concat_ws(' ', payload->>'outcome', payload->>'ended_at' ~ 'Z$') FROM alarm_deliveries WHERE event = 'ended'"))
	require.Equal(t, []string{"kept"}, pgtest.Lines(t, w.pool, "SELECT rule FROM alarm_states"))
}

// A rule that looks elsewhere is another one: what is open of the place before ends.
func TestEndRemoved_RuleLooksElsewhere_TheAlarmOfBeforeEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(w.rules(map[string]string{"night": "person in door"}))
	w.see("door", 0, 1, 1)
	w.drain()
	moved := w.rules(map[string]string{"night": "person in gate"})
	w.endRemoved(moved)
	w.age("10 min")
	w.endRemoved(moved)
	require.Equal(t, []string{"night door t rule removed"}, w.outcomes())
}

// A process that has rules says so while it runs, so that another one without them leaves them alone.
func TestTicker_Runs_SaysWhichRulesItHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(map[string]string{"night": "person in door"})
	ticker := alarm.Ticker{Rules: rules, Pool: w.pool, Horizon: func(context.Context) (time.Time, error) { return time.Time{}, nil }}
	testenv.Run(t, ticker.Run)
	w.await("the rule", func() bool {
		return len(pgtest.Lines(t, w.pool, "SELECT rule FROM alarm_rules WHERE subject = 'door' AND looked_at > now() - interval '1 min'")) == 1
	})
}

// While a process is stopped, or its machine sleeps, nothing comes from any camera: it does not take
// them for blind, as they may come at once when it runs again.
func TestTicker_ProcessDidNotRun_NoCameraIsBlindForIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := origin
	rules := w.made(alarm.Config{Receivers: nil, Now: func() time.Time { return now }}, map[string]string{"blind": "camera door blind for 10s"})
	ticker := &alarm.Ticker{Rules: rules, Pool: w.pool}
	look := func(after, wakes time.Duration) {
		t.Helper()
		now = origin.Add(wakes)
		require.NoError(t, ticker.Look(t.Context(), origin.Add(after)))
	}
	w.start(nil)
	w.see("door", 0, 1)
	w.drain()
	for s := range 4 {
		look(time.Duration(s)*time.Second, time.Duration(s)*time.Second)
	}
	look(60*time.Second, 60*time.Second) // it did not run for 57 s
	for s := 61; s < 67; s++ {
		look(time.Duration(s)*time.Second, time.Duration(s)*time.Second)
	}
	require.Empty(t, w.alarms())
	look(67*time.Second, 67*time.Second) // ten seconds in which it looked, and nothing came
	require.Equal(t, []string{"blind 0.0 10.0 - 0"}, w.alarms())
}
