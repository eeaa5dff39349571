package sink_test

import (
	"bytes"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// A right is taken from the sink's role while it writes: it says which and waits, and loses nothing. Who may
// not read a table is told so by the question.
func TestSink_RightTakenAway_SaysWhichAndLosesNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := newWorldOn(t, pgtest.Pool(t, url))
	stop := w.start() // as the owner, who makes the partitions
	w.fill(0, 10, "yard")
	w.drain()
	stop()
	theirs := pgtest.As(t, url, "", "GRANT ALL ON ALL TABLES IN SCHEMA public TO ROLE", "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO ROLE")
	cfg, err := pgx.ParseConfig(theirs)
	require.NoError(t, err)
	exec := func(sql string) {
		t.Helper()
		_, err := w.pool.Exec(t.Context(), sql+cfg.User)
		require.NoError(t, err)
	}
	exec("REVOKE INSERT ON tracks FROM ")
	pool := pgtest.Pool(t, theirs)
	s, _ := w.sink(func(c *sink.Config) { c.Pool = pool })
	for n := range 20 {
		w.produce(record(t, busy("yard", 10+n, 1)))
	}
	w.await("the partition to be told", func() bool { return len(s.Blocked()) > 0 })
	require.Contains(t, s.Blocked()[0].Reason, "permission denied for table tracks")
	require.Contains(t, s.Blocked()[0].Reason, "; give the role its right back, or connect as the owner of the tables")
	exec("GRANT INSERT ON tracks TO ")
	w.drain()
	require.Equal(t, 30, w.number("SELECT sum(frames) FROM camera_minutes"))
	require.Equal(t, 20, w.number("SELECT frames FROM tracks"))
	require.Empty(t, w.letters(kafka.Sightings))

	exec("REVOKE SELECT ON latest_sightings FROM ")
	for _, r := range query.Reports {
		if r.Name == "latest" {
			var out bytes.Buffer
			err := r.Question(query.Filter{}).Answer(t.Context(), pool, &out, "csv")
			require.True(t, usage.Is(err), "%v", err)
			require.EqualError(t, err, "the database: permission denied for table latest_sightings; "+
				"have the owner of the tables GRANT SELECT on them to the role, or ask as another role")
		}
	}
}
