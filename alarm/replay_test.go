package alarm_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/pgtest"
)

// replayed returns what rules would have found, a line each as those of alarms, and the ids.
func (w *world) replayed(rules *alarm.Rules, since, until time.Duration) (lines, ids []string) {
	w.Helper()
	require.NoError(w, pgx.BeginTxFunc(w.Context(), w.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		found, err := rules.Replay(w.Context(), tx, origin.Add(since), origin.Add(until))
		for _, f := range found {
			end := "-"
			if f.EndedAt != nil {
				end = fmt.Sprintf("%.1f", f.EndedAt.Sub(origin).Seconds())
			}
			line := fmt.Sprintf("%s %.1f %.1f %s %d", f.Rule, f.BeganAt.Sub(origin).Seconds(), f.FiredAt.Sub(origin).Seconds(), end, f.Value)
			if f.Unsent != "" {
				line += " " + f.Unsent
			}
			lines, ids = append(lines, line), append(ids, f.ID)
		}
		return err
	}))
	return lines, ids
}

// What the sink found while it wrote is what a replay finds in the tables, with the same ids.
func TestReplay_StoredRows_AlarmsAsTheyWereFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(map[string]string{
		"door": "person in door/mat for 2s", "two": "person in door/mat >= 2", "yard": "occupancy of yard/mat > 1",
		"leave": "crossing of door/step out", "stay": "loitering in door/mat for 3s",
	}, func(r *rule.Rule) {
		if r.Name == "yard" {
			r.Cooldown = time.Minute
		}
	})
	w.start(rules)
	w.see("door", 0, slices.Concat([]int{0, 1, 1, 0, 0, 1, 1, 2, 1, 1, 1, 1, 1}, repeat(0, 40))...)
	w.see("yard", 0, slices.Concat(repeat(2, 4), repeat(0, 30), repeat(3, 2))...)
	w.cross("door", "step", 100*time.Second, "in", "out", "out")
	w.drain()
	lines, ids := w.replayed(rules, -time.Minute, time.Hour)
	require.ElementsMatch(t, w.alarms(), lines)
	require.Contains(t, lines, "yard 17.0 17.0 - 3 cooldown")
	require.ElementsMatch(t, pgtest.Lines(t, w.pool, "SELECT id FROM alarms"), ids)
	before := w.deliveries()

	later, _ := w.replayed(w.rules(map[string]string{"many": "person in door/mat >= 2", "none": "person in gate"}), time.Second, 3*time.Second)
	require.Empty(t, later)
	later, _ = w.replayed(w.rules(map[string]string{"many": "person in door/mat >= 2"}), time.Second, 4*time.Second)
	require.Equal(t, []string{"many 3.5 3.5 - 2"}, later)
	require.Equal(t, before, w.deliveries(), "nothing is sent")
}

func TestReplay_PlacesAndBlindCameras_FromTheTimesBetween(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(nil)
	_, err := w.pool.Exec(t.Context(), `WITH p AS (INSERT INTO places (name, reset_at, tz, label) VALUES ('hall', '00:00', 'UTC', 'person') RETURNING id)
		INSERT INTO place_lines (place_id, camera, line, reversed) SELECT id, 'door', 'step', false FROM p`)
	require.NoError(t, err)
	day := origin.Truncate(24 * time.Hour).Sub(origin) // so that no reset falls between
	noon := day + 12*time.Hour
	w.cross("door", "step", noon, "in", "in", "in", "out", "in", "out", "out")
	w.see("door", noon, 1, 1)
	w.see("door", noon+10*time.Minute, 1)
	w.drain()
	lines, _ := w.replayed(w.rules(map[string]string{
		"full": "occupancy of hall > 1", "long": "occupancy of hall > 1 for 4s", "night": "occupancy of hall > 1 between 22:00 and 06:00",
		"over": "occupancy of hall < 1", "blind": "camera door blind for 5m", "late": "camera door blind for 20m",
	}), noon-time.Minute, noon+15*time.Minute)
	at := func(d float64) string { return fmt.Sprintf("%.1f", noon.Seconds()+d) }
	require.ElementsMatch(t, []string{
		"full " + at(1) + " " + at(1) + " " + at(5) + " 3", "long " + at(1) + " " + at(5) + " " + at(5) + " 3",
		"over " + at(-60) + " " + at(-60) + " " + at(-1) + " 0", "blind " + at(0.5) + " " + at(300.5) + " " + at(600) + " 0",
	}, lines)

	w.cross("door", "step", day-2*time.Second, "in", "in") // the reset at midnight empties the place
	w.drain()
	lines, _ = w.replayed(w.rules(map[string]string{"full": "occupancy of hall > 1"}), day-time.Minute, day+time.Minute)
	before := fmt.Sprintf("%.1f", day.Seconds()-1)
	require.Equal(t, []string{"full " + before + " " + before + " " + before + " 2"}, lines)
}
