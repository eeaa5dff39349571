package sink_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// twoCameras is a recount of porch and then of yard, a minute after the other.
func twoCameras(pool *pgxpool.Pool) sink.RecountConfig {
	cfg := recountOf(pool, 70)
	yard := cfg.Cameras[0]
	yard.Name = "yard"
	cfg.Cameras = append(cfg.Cameras, yard)
	cfg.Workers, cfg.Window = 1, 1
	return cfg
}

// newWalks is a world in which people walked before porch and yard for two minutes.
func newWalks(t *testing.T, url string) *world {
	t.Helper()
	w := newWorldOn(t, pgtest.Pool(t, url))
	w.start()
	w.walk("porch", 3000, 30)
	w.walk("yard", 3000, 30)
	w.drain()
	return w
}

// recountVictim recounts until a part of yard is written, says the number, and waits for
// its end.
func recountVictim(url string) {
	pool, err := postgres.Open(context.Background(), url, postgres.Options{})
	if err == nil {
		cfg := twoCameras(pool)
		var id int32
		cfg.Begun = func(n int32) { id = n }
		cfg.Progress = func(p sink.RecountProgress) {
			if p.Camera == "yard" {
				fmt.Println(id)
				select {}
			}
		}
		_, err = sink.Recount(context.Background(), cfg)
	}
	fmt.Fprintln(os.Stderr, "the recount ended:", err)
	os.Exit(1)
}

func TestRecount_Killed_ResumedToTheSameRows(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	w := newWalks(t, url)
	exe, err := os.Executable()
	require.NoError(t, err)
	child := exec.Command(exe)
	child.Stderr = w.Output()
	child.Env = append(os.Environ(), "SIGHTLOG_TEST_RECOUNT_DATABASE="+url)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, child.Process.Kill())
	_ = child.Wait() // it was killed
	require.NoError(t, err)

	cfg := twoCameras(w.pool)
	_, err = fmt.Sscan(line, &cfg.Resume)
	require.NoError(t, err)
	require.Equal(t, 1, w.number("SELECT cardinality(done) FROM recounts WHERE finished_at IS NULL"))
	partly := pgtest.Lines(t, w.pool, "SELECT schema FROM recounts")[0]
	require.NotZero(t, w.number("SELECT count(*) FROM "+partly+".zone_minutes z JOIN cameras c ON c.id = z.camera_id WHERE c.name = 'yard'"))

	again := map[string]bool{}
	cfg.Progress = func(p sink.RecountProgress) { again[p.Camera] = true }
	cfg.Window = 0
	resumed, err := sink.Recount(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"yard": true}, again, "porch was counted")
	require.Equal(t, partly, resumed.Schema)
	whole, err := sink.Recount(t.Context(), twoCameras(w.pool))
	require.NoError(t, err)
	require.Equal(t, recounted(t, w.pool, whole.Schema), recounted(t, w.pool, resumed.Schema))
	require.Equal(t, whole.Figures, resumed.Figures)
	require.EqualValues(t, 6000, resumed.Sightings)
	require.EqualValues(t, 6000, resumed.Frames)

	_, err = sink.Recount(t.Context(), cfg)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "is complete")
	cfg.Resume = 99
	_, err = sink.Recount(t.Context(), cfg)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "there is no recount 99")
}

// A recount that somebody has resumed writes nothing any more: neither what it has counted
// nor that it is complete.
func TestRecount_ResumedBeside_TheFirstEnds(t *testing.T) {
	t.Parallel()
	w := newWalks(t, pgtest.URL(t))
	first, second := twoCameras(w.pool), twoCameras(w.pool)
	first.Begun = func(id int32) { second.Resume = id }
	var resumed *sink.Recounted
	first.Progress = func(sink.RecountProgress) {
		var err error
		resumed, err = sink.Recount(t.Context(), second)
		assert.NoError(t, err)
	}
	_, err := sink.Recount(t.Context(), first)
	require.ErrorContains(t, err, "another process has resumed it")
	whole, err := sink.Recount(t.Context(), twoCameras(w.pool))
	require.NoError(t, err)
	require.Equal(t, recounted(t, w.pool, whole.Schema), recounted(t, w.pool, resumed.Schema))
	require.Equal(t, whole.Sightings, resumed.Sightings)
}

// A recount goes on with the zones and lines it was begun with alone.
func TestRecount_ResumedWithOtherShapes_Refused(t *testing.T) {
	t.Parallel()
	w := newWalks(t, pgtest.URL(t))
	cfg := twoCameras(w.pool)
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Begun = func(id int32) { cfg.Resume = id }
	cfg.Progress = func(sink.RecountProgress) { cancel() }
	_, err := sink.Recount(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
	other := twoCameras(w.pool)
	other.Resume = cfg.Resume
	for _, change := range []func(*sink.RecountCamera){
		func(c *sink.RecountCamera) { c.Shapes[0].Points = [][2]float64{{0.4, 0}, {0.4, 1}} },
		func(c *sink.RecountCamera) { c.Shapes = nil },
		func(c *sink.RecountCamera) {
			c.Shapes = append(c.Shapes, event.Shape{Kind: event.ShapeZone, Name: "new", Points: [][2]float64{{0, 0}, {1, 0}, {1, 1}}})
		},
	} {
		other.Cameras = twoCameras(w.pool).Cameras
		other.Cameras[1].Shapes = append([]event.Shape{}, other.Cameras[1].Shapes...)
		change(&other.Cameras[1])
		_, err = sink.Recount(t.Context(), other)
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, "of camera yard as the configuration file has it")
	}
	cfg.Begun, cfg.Progress = nil, nil
	_, err = sink.Recount(t.Context(), cfg)
	require.NoError(t, err)
}

// held is a counter that waits at its first sighting until it may go on.
type held struct {
	sink.Counter
	reached, goOn chan struct{}
	first         *sync.Once
}

func (h held) Count(s *event.Sighting) []event.Crossing {
	h.first.Do(func() {
		close(h.reached)
		<-h.goOn
	})
	return h.Counter.Count(s)
}

// While a recount counts, sinks write, a new day gets its partition, and the tables can
// be locked as a day is that is dropped.
func TestRecount_Meanwhile_SinksAndRetentionGoOn(t *testing.T) {
	t.Parallel()
	w := newWalks(t, pgtest.URL(t))
	cfg := twoCameras(w.pool)
	h := held{reached: make(chan struct{}), goOn: make(chan struct{}), first: new(sync.Once)}
	goOn := sync.OnceFunc(func() { close(h.goOn) })
	defer goOn()
	for i := range cfg.Cameras {
		whole := cfg.Cameras[i].New
		cfg.Cameras[i].New = func(score float32) (sink.Counter, error) {
			c, err := whole(score)
			return held{c, h.reached, h.goOn, h.first}, err
		}
	}
	type result struct {
		*sink.Recounted
		err error
	}
	done := make(chan result, 1)
	go func() {
		r, err := sink.Recount(t.Context(), cfg)
		done <- result{r, err}
	}()
	select {
	case <-h.reached:
	case r := <-done:
		require.FailNow(t, "it counted nothing", "%v", r.err)
	}
	w.walk("gate", 100, 30)
	w.drain()
	require.Equal(t, 100, w.number("SELECT count(*) FROM sightings s JOIN cameras c ON c.id = s.camera_id WHERE c.name = 'gate'"))
	require.Equal(t, []string{"true"}, pgtest.Lines(t, w.pool, "SELECT sightlog_ensure_day('2031-05-01')::text"))
	tx, err := w.pool.Begin(t.Context())
	require.NoError(t, err)
	for _, sql := range []string{
		"SET LOCAL lock_timeout = '20s'", // a sink, or autovacuum, is waited for
		"LOCK TABLE sightings, crossings, visits, camera_minutes IN ACCESS EXCLUSIVE MODE",
	} {
		_, err = tx.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Rollback(t.Context()))
	goOn()
	r := <-done
	require.NoError(t, r.err)
	require.EqualValues(t, 6000, r.Sightings)
}
