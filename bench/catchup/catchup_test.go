package catchup

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/usage"
)

// The backlog is the same in each run, and people walk.
func TestSighting_SameNumber_SameRecord(t *testing.T) {
	t.Parallel()
	r := &run{Config: Config{Cameras: 3, People: 2}}
	first, err := record(r.sighting("backlog", 7, origin))
	require.NoError(t, err)
	again, err := record(r.sighting("backlog", 7, origin))
	require.NoError(t, err)
	require.Equal(t, first, again)
	require.Equal(t, "cam-001", string(first.Key))
	s := r.sighting("backlog", 7, origin)
	require.EqualValues(t, 2, s.Seq)
	require.NotEqual(t, s.Objects[0].Box, r.sighting("backlog", 10, origin).Objects[0].Box)
	r.People = 0
	require.Empty(t, r.sighting("backlog", 7, origin).Objects)
}

// A table that lacks a sighting, or a detection, is noticed.
func TestVerify_TablesLackSomething_NoFigures(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	insert := func(seq, objects int) {
		_, err := pool.Exec(t.Context(), `INSERT INTO cameras (name) VALUES ('c') ON CONFLICT DO NOTHING`)
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), `INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
			VALUES (1, 'r', 'file', 'm', 'm', 1, 1, 'cpu') ON CONFLICT DO NOTHING`)
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), `INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
			VALUES ($1, 1, 1, $2, 0, 1, 0, 1, 1, 0, $3)`, origin.Add(time.Duration(seq)*time.Second), seq, objects)
		require.NoError(t, err)
	}
	verify := func(people int) error {
		r := &run{Config: Config{Pool: pool, People: people}, report: new(result.Report)}
		return r.verify(t.Context(), "a test", 2, false)
	}
	insert(0, 3)
	require.ErrorContains(t, verify(3), "after a test the tables hold 3 detections, not 6")
	require.ErrorContains(t, verify(0), "no figures")
	insert(1, 3)
	require.NoError(t, verify(3))
	require.ErrorContains(t, verify(4), "the tables hold 6 detections, not 8")
}

func TestCheck_ImpossibleRun_UsageError(t *testing.T) {
	t.Parallel()
	good := Config{Sightings: 1, People: 1, Cameras: 1, Partitions: 1, Rounds: 1, Duration: time.Second}
	require.NoError(t, good.Check())
	for says, change := range map[string]func(*Config){
		"--sightings 0; give 1 to": func(c *Config) { c.Sightings = 0 }, "--people -1; give 0 to 100": func(c *Config) { c.People = -1 },
		"--rounds 0": func(c *Config) { c.Rounds = 0 }, "--rate -5": func(c *Config) { c.Rate = -5 }, "--duration 0": func(c *Config) { c.Duration = 0 },
	} {
		c := good
		change(&c)
		err := c.Check()
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, says)
	}
}
