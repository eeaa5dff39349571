package sink_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata" // of the reference

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// passage is a crossing of one of two doors.
type passage struct {
	at        time.Time
	camera    string // porch with the line gate, yard with back
	direction string
	label     string
}

func (p passage) record(t testing.TB, n int) *kgo.Record {
	t.Helper()
	c := sighting(p.camera, "run-of-"+p.camera, n).Crossing()
	c.Line, c.Direction, c.TrackID, c.Label, c.CapturedAt = map[string]string{"porch": "gate", "yard": "back"}[p.camera], p.direction, int64(n+1), p.label, event.At(p.at)
	return crossingRecord(t, &c)
}

// twoDoors is a place with both doors: in of the second leads out of it.
func twoDoors(name string, reset time.Duration) sink.Place {
	return sink.Place{Name: name, Reset: reset, TZ: "Europe/Berlin", Label: "person",
		Lines: []sink.PlaceLine{{Camera: "porch", Line: "gate"}, {Camera: "yard", Line: "back", Reversed: true}}}
}

// resets returns the minutes of a time at which the balance begins at 0: of each date in
// Berlin the last at which a clock shows that time of day, and where none does, as an hour
// is left out, an hour after the time of day before.
func resets(t testing.TB, from, to time.Time, reset time.Duration) map[time.Time]bool {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	shown, hourBefore := make(map[string]time.Time), make(map[string]time.Time)
	for m := from.Add(-48 * time.Hour); m.Before(to); m = m.Add(time.Minute) {
		local := m.In(berlin)
		switch day := local.Format(time.DateOnly); time.Duration(local.Hour()*60+local.Minute()) * time.Minute {
		case reset:
			shown[day] = m
		case reset - time.Hour:
			hourBefore[day] = m.Add(time.Hour)
		}
	}
	for day, m := range hourBefore {
		if _, is := shown[day]; !is && m.Before(to) {
			shown[day] = m
		}
	}
	all := make(map[time.Time]bool)
	for _, m := range shown {
		all[m] = true
	}
	return all
}

// balanceOf counts the passages of a place minute by minute and returns a line for each hour.
func balanceOf(t testing.TB, passages []passage, reset time.Duration, from, to time.Time) (lines []string) {
	t.Helper()
	in, out := make(map[time.Time]int), make(map[time.Time]int)
	for _, p := range passages {
		if p.label != "person" {
			continue
		}
		if m := p.at.Truncate(time.Minute); (p.direction == event.In) == (p.camera == "porch") {
			in[m]++
		} else {
			out[m]++
		}
	}
	at := resets(t, from, to, reset)
	var began time.Time
	var inside, lowest int
	for m := from.Add(-48 * time.Hour); m.Before(to); {
		hour, sumIn, sumOut, most := m, 0, 0, inside
		if at[m] {
			most = 0
		}
		for ; m.Before(hour.Add(time.Hour)); m = m.Add(time.Minute) {
			if at[m] {
				began, inside, lowest, most = m, 0, 0, max(most, 0)
			}
			sumIn, sumOut, inside = sumIn+in[m], sumOut+out[m], inside+in[m]-out[m]
			lowest, most = min(lowest, inside), max(most, inside)
		}
		if !hour.Before(from) {
			lines = append(lines, fmt.Sprint(hour.Format(time.RFC3339), sumIn, sumOut, inside, most, began.Format(time.RFC3339), lowest))
		}
	}
	return lines
}

func storedBalance(t testing.TB, pool *pgxpool.Pool, place string, from, to time.Time) (lines []string) {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT bucket, "in", "out", inside, max_inside, reset, lowest FROM sightlog_balance($1, $2, $3, 'hour')`, place, from, to)
	require.NoError(t, err)
	for rows.Next() {
		var hour, reset time.Time
		var in, out, inside, most, lowest int
		require.NoError(t, rows.Scan(&hour, &in, &out, &inside, &most, &reset, &lowest))
		lines = append(lines, fmt.Sprint(hour.UTC().Format(time.RFC3339), in, out, inside, most, reset.UTC().Format(time.RFC3339), lowest))
	}
	require.NoError(t, rows.Err())
	return lines
}

// The crossings of two doors over both changes of the clock, with resets in the hour that is
// left out and that comes twice. They arrive in any order, some twice, while sinks are
// stopped and started, and are read again from the start; the balance is that of a count
// from the first to the last.
func TestBalance_ClockChangesLateAndRepeatedCrossings_IsTheCount(t *testing.T) {
	t.Parallel()
	places := []sink.Place{twoDoors("night", 4*time.Hour), twoDoors("change", 2*time.Hour+30*time.Minute), twoDoors("midnight", 0), twoDoors("noon", 12*time.Hour+5*time.Minute)}
	for name, from := range map[string]time.Time{"spring": time.Date(2025, 3, 28, 23, 0, 0, 0, time.UTC), "autumn": time.Date(2025, 10, 24, 22, 0, 0, 0, time.UTC)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, sink.StorePlaces(t.Context(), w.pool, places))
			to := from.Add(72 * time.Hour)
			random := rand.New(rand.NewPCG(1, 2))
			var passages []passage
			var records []*kgo.Record
			for n := range 600 {
				p := passage{from.Add(time.Duration(random.Int64N(int64(72 * time.Hour)))).Truncate(time.Microsecond), "porch", event.In, "person"}
				if random.IntN(2) == 0 {
					p.camera = "yard"
				}
				if random.IntN(2) == 0 {
					p.direction = event.Out
				}
				if random.IntN(10) == 0 {
					p.label = "car"
				}
				passages, records = append(passages, p), append(records, p.record(t, n))
			}
			for _, n := range []int{200, 600} { // the rest, and the first again
				stop := w.start()
				w.produce(records[:n]...)
				w.drain()
				stop()
				for _, p := range places {
					require.Equal(t, balanceOf(t, passages[:n], p.Reset, from, to), storedBalance(t, w.pool, p.Name, from, to), p.Name)
				}
			}
			again := pgtest.Open(t)
			require.NoError(t, sink.StorePlaces(t.Context(), again, places))
			require.NoError(t, sink.Replay(t.Context(), sink.Config{Kafka: w.stream, Pool: again, Group: "again"}, time.Time{}, func(int64) {}))
			part := from.Add(20*time.Hour + 17*time.Minute) // within an hour, and before a reset
			for _, p := range places {
				require.Equal(t, balanceOf(t, passages, p.Reset, from, to), storedBalance(t, again, p.Name, from, to), p.Name)
				lines := storedBalance(t, again, p.Name, part, to)
				require.Equal(t, balanceOf(t, passages, p.Reset, from, to)[21:], lines[1:], p.Name)
			}
		})
	}
}

// The balance of now counts from the last reset, and what another place defines changes it
// for all times.
func TestBalance_Now_SinceTheLastReset(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hourAgo := origin.Add(-time.Hour)
	reset := time.Duration(hourAgo.Hour()*60+hourAgo.Minute()) * time.Minute
	shop := sink.Place{Name: "shop", Reset: reset, TZ: "UTC", Label: "person", Capacity: 20, Lines: []sink.PlaceLine{{Camera: "porch", Line: "gate"}}}
	require.NoError(t, sink.StorePlaces(t.Context(), w.pool, []sink.Place{shop, twoDoors("old", 0)}))
	w.start()
	for n, p := range []passage{
		{origin.Add(-2 * time.Hour), "porch", event.In, "person"}, {origin.Add(-30 * time.Minute), "porch", event.Out, "person"},
		{origin.Add(-30 * time.Minute), "yard", event.In, "person"}, {origin.Add(-20 * time.Minute), "porch", event.In, "person"},
		{origin.Add(-10 * time.Minute), "porch", event.In, "person"}, {origin.Add(-9 * time.Minute), "porch", event.In, "person"},
	} {
		w.produce(p.record(t, n))
	}
	w.drain()
	require.Equal(t, []string{"shop 3 1 2 20 -1"}, pgtest.Lines(t, w.pool, `SELECT concat_ws(' ', place, "in", "out", inside, capacity, lowest) FROM v_balance WHERE place = 'shop'`))

	shop.Lines = []sink.PlaceLine{{Camera: "yard", Line: "back"}}
	shop.Capacity = 0
	require.NoError(t, sink.StorePlaces(t.Context(), w.pool, []sink.Place{shop}))
	require.Equal(t, []string{"shop 1 0 1 0"}, pgtest.Lines(t, w.pool, `SELECT concat_ws(' ', place, "in", "out", inside, capacity, lowest) FROM v_balance`))

	shop.TZ = "Europe/Berlinn"
	err := sink.StorePlaces(t.Context(), w.pool, []sink.Place{shop})
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, `place shop: the database does not know the time zone "Europe/Berlinn"`)
	require.Equal(t, 1, w.number("SELECT count(*) FROM places"))
}

// A run has the size of its frames, whichever record of it comes first.
func TestRun_FrameSize_OfItsFirstSighting(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.produce(crossing(t, "porch", "r1", 4))
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM runs WHERE frame_width IS NULL"))
	w.produce(record(t, sighting("porch", "r1", 4)))
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM runs WHERE frame_width = 768 AND frame_height = 576"))
}
