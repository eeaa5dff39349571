package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/pipeline"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// delays are how long a frame spends in each stage.
type delays struct{ wait, decode, infer, produce, fetch, commit time.Duration }

// addCamera adds a camera and its run.
func addCamera(t *testing.T, db *pgxpool.Pool, name string) {
	t.Helper()
	_, err := db.Exec(context.Background(), `
WITH c AS (INSERT INTO cameras (name) VALUES ($1) RETURNING id)
INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
SELECT id, $1 || '-run', 'file', 'm', 'x', 1, 1, 'cpu' FROM c`, name)
	require.NoError(t, err)
}

// addFrame adds a frame that was due then and spent so long in each stage.
func addFrame(t *testing.T, db *pgxpool.Pool, camera string, seq int64, batch int64, due time.Time, d delays) {
	t.Helper()
	grabbed := due.Add(d.wait)
	decoded := grabbed.Add(d.decode)
	inferred := decoded.Add(d.infer)
	produced := inferred.Add(d.produce)
	fetched := produced.Add(d.fetch)
	ctx := context.Background()
	_, err := db.Exec(ctx, `
INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, grabbed_at, decoded_at, inferred_at, produced_at, batch_id, dropped_before, width, height, people, objects)
SELECT $1, camera_id, id, $2, 0, $3, $4, $5, $6, $7, 0, 1, 1, 0, 0 FROM runs WHERE run = $8`,
		due, seq, grabbed, decoded, inferred, produced, batch, camera+"-run")
	require.NoError(t, err)
	_, err = db.Exec(ctx, "INSERT INTO batches VALUES ($1, $2, $3, 1)", batch, fetched, fetched.Add(d.commit))
	require.NoError(t, err)
}

const msec = time.Millisecond

// Each stage is delayed by a time of its own, one frame after the other; each appears in
// its histogram, in full, and in no other.
func TestReadFrames_DelayInOneStage_AppearsThereAndInTheWhole(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	addCamera(t, db, "a")
	usual := delays{1 * msec, 2 * msec, 3 * msec, 4 * msec, 5 * msec, 6 * msec}
	slow := []struct {
		name string
		with delays
		ms   float64
	}{
		{result.Wait, delays{701 * msec, 2 * msec, 3 * msec, 4 * msec, 5 * msec, 6 * msec}, 701},
		{result.Decode, delays{1 * msec, 602 * msec, 3 * msec, 4 * msec, 5 * msec, 6 * msec}, 602},
		{result.Infer, delays{1 * msec, 2 * msec, 503 * msec, 4 * msec, 5 * msec, 6 * msec}, 503},
		{result.Produce, delays{1 * msec, 2 * msec, 3 * msec, 404 * msec, 5 * msec, 6 * msec}, 404},
		{result.Fetch, delays{1 * msec, 2 * msec, 3 * msec, 4 * msec, 305 * msec, 6 * msec}, 305},
		{result.Commit, delays{1 * msec, 2 * msec, 3 * msec, 4 * msec, 5 * msec, 206 * msec}, 206},
	}
	addFrame(t, db, "a", 0, 1, noon.Add(-time.Microsecond), usual) // warm-up
	for i, s := range slow {
		addFrame(t, db, "a", int64(2*i+1), int64(2*i+2), noon.Add(time.Duration(i)*time.Second), s.with)
		addFrame(t, db, "a", int64(2*i+2), int64(2*i+3), noon.Add(time.Duration(i)*time.Second+500*msec), usual)
	}
	addFrame(t, db, "a", 13, 99, noon.Add(6*time.Second), delays{wait: time.Hour}) // behind the window
	r, err := readFrames(context.Background(), db, []string{"a-run"}, window{noon, noon.Add(6 * time.Second), 500 * msec})
	require.NoError(t, err)
	require.EqualValues(t, 12, r.Frames)
	require.InDelta(t, 6, r.Seconds, 0)
	require.EqualValues(t, 1, r.Late, "only the slow camera's frame was grabbed late")
	for i, s := range slow {
		h := r.Histograms[s.name]
		require.EqualValues(t, 12, h.N(), s.name)
		require.InEpsilon(t, s.ms, h.Max(), .001, s.name)
		require.InEpsilon(t, float64(i+1), h.Quantile(11./12), .001, "%s: the other frames have the usual delay", s.name)
	}
	whole, grabbed := r.Histograms[result.DueCommitted], r.Histograms[result.GrabbedCommitted]
	require.InEpsilon(t, 721, whole.Max(), .001)
	require.InEpsilon(t, 620, grabbed.Max(), .001, "from grabbed on, a slow camera does not show")
	require.InEpsilon(t, 21, whole.Quantile(.5), .001)
	require.InEpsilon(t, 20, grabbed.Quantile(.5), .001)
	require.EqualValues(t, 1, r.Histograms[result.WarmUp].N())
	require.InEpsilon(t, 21, r.Histograms[result.WarmUp].Max(), .001)
}

// A sink that stalls for a second holds up all frames that are due meanwhile, each by what
// is left of it.
func TestReadFrames_SinkStalls_EveryFrameThatWaitedShowsIt(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	addCamera(t, db, "a")
	const frames = 100
	for i := range frames { // 50 a second, stalled from 0.5 to 1.5 s
		due, fetch := noon.Add(time.Duration(i)*20*msec), time.Duration(0)
		if until := noon.Add(1500 * msec); i >= 25 && due.Before(until) {
			fetch = until.Sub(due)
		}
		addFrame(t, db, "a", int64(i), int64(i+1), due, delays{fetch: fetch})
	}
	r, err := readFrames(context.Background(), db, []string{"a-run"}, window{noon, noon.Add(2 * time.Second), 20 * msec})
	require.NoError(t, err)
	h := r.Histograms[result.DueCommitted]
	require.EqualValues(t, frames, h.N())
	require.InEpsilon(t, 1000, h.Max(), .001)
	require.Zero(t, h.Quantile(.5), "half of the frames were not stalled")
	require.InEpsilon(t, 500, h.Quantile(.75), .001, "a quarter waited for half a second or more")
	require.InEpsilon(t, 980, h.Quantile(.99), .001)
	require.Zero(t, r.Values[result.Drift])
}

func TestCorrectness_FramesTwiceMissingOrLate_IsSaid(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		frames [][3]int64 // seq, batch, seconds until committed
		sent   int64
		want   result.Correctness
		cut    bool
	}{
		"all there":           {[][3]int64{{0, 1, 1}, {1, 2, 1}, {2, 3, 1}}, 3, result.Correctness{Sent: 3, Stored: 3}, false},
		"one not there":       {[][3]int64{{0, 1, 1}, {1, 2, 1}}, 3, result.Correctness{Sent: 3, Stored: 2}, false},
		"a hole":              {[][3]int64{{0, 1, 1}, {2, 2, 1}}, 2, result.Correctness{Sent: 2, Stored: 2, Missing: 1}, false},
		"one twice":           {[][3]int64{{0, 1, 1}, {1, 2, 1}, {1, 3, 1}}, 3, result.Correctness{Sent: 3, Stored: 3, Duplicates: 1}, false},
		"out of order":        {[][3]int64{{0, 1, 1}, {1, 2, 60}, {2, 3, 1}}, 3, result.Correctness{Sent: 3, Stored: 3, Disorder: 1}, false},
		"stopped, not acked":  {[][3]int64{{0, 1, 1}, {1, 2, 1}}, 4, result.Correctness{Sent: 2, Stored: 2}, true},
		"stopped, acked lost": {[][3]int64{{0, 1, 1}}, 4, result.Correctness{Sent: 4, Stored: 1}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.Open(t)
			addCamera(t, db, "a")
			for i, f := range c.frames {
				addFrame(t, db, "a", f[0], f[1], noon.Add(time.Duration(i)*time.Second), delays{commit: time.Duration(f[2]) * time.Second})
			}
			cams := []pipeline.CameraStatus{{ID: "a", Run: "a-run", Sent: c.sent, Acked: 2, Frames: c.sent}}
			got, err := correctness(context.Background(), db, cams, Config{}, c.cut)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestCorrectness_FramesThatWereNeverProcessed_IsSaid(t *testing.T) {
	t.Parallel()
	db := pgtest.Open(t)
	addCamera(t, db, "a")
	addFrame(t, db, "a", 0, 1, noon, delays{})
	cams := []pipeline.CameraStatus{{ID: "a", Run: "a-run", Sent: 1, Frames: 1, Total: 5}}
	got, err := correctness(context.Background(), db, cams, Config{FPS: 5, Duration: time.Second}, false)
	require.NoError(t, err)
	require.False(t, got.OK())
	require.Equal(t, []string{"a: 1 of 5 frames that were due were processed"}, got.Problems)
	require.Contains(t, (&IncorrectError{got}).Error(), "no figures: 1 frames were sent, 1 are rows")
}

// The probe sees a row when its transaction has committed, not when it was written.
func TestProbe_TransactionHeldOpen_VisibleAtItsCommit(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := pgtest.URL(t)
	db := pgtest.Pool(t, url)
	addCamera(t, db, "a")
	addFrame(t, db, "a", 0, 1, time.Now().Add(-time.Hour), delays{})
	p := openProbe(ctx, url, []pipeline.CameraStatus{{ID: "a"}})
	require.NotNil(t, p.conn)
	require.NoError(t, p.findCameras(ctx))
	require.Contains(t, p.stated, "fsync")
	require.NotEmpty(t, p.version)

	due := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
	tx, err := db.Begin(ctx)
	require.NoError(t, err)
	_, err = tx.Exec(ctx, `
INSERT INTO sightings SELECT $1, camera_id, run_id, 1, 0, NULL, NULL, NULL, NULL, 2, 0, 1, 1, 0, 0 FROM sightings`, due)
	require.NoError(t, err)
	got := make(chan error, 1)
	go func() { got <- p.sample(ctx, p.cameras[0], due.Add(-time.Second)) }()
	asked := func() (n int64) { // by the probe's session, of rows that it was not given
		require.NoError(t, db.QueryRow(ctx, "SELECT count(*) FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%captured_at%'", p.pid).Scan(&n))
		return n
	}
	require.Eventually(t, func() bool { return asked() > 0 }, time.Minute, time.Millisecond)
	require.Empty(t, got, "it was written, but is not committed")
	before := time.Now()
	require.NoError(t, tx.Commit(ctx))
	require.NoError(t, <-got)
	after := time.Now()
	visible, gaps := p.close()
	require.GreaterOrEqual(t, visible.Max()*1.001, ms(before.Sub(due)))
	require.LessOrEqual(t, visible.Max()*.999, ms(after.Sub(due)))
	require.GreaterOrEqual(t, visible.N(), int64(before.Sub(due)/sampleEvery), "samples that were not taken meanwhile are counted")
	require.InEpsilon(t, visible.Max()/2, visible.Quantile(.5), .01, "each less late than the one before")
	require.EqualValues(t, 1, gaps.N())
	require.LessOrEqual(t, gaps.Max()*.999, ms(after.Sub(due)))
}

func TestProbe_RowThatIsLate_CountsTheSamplesNotTaken(t *testing.T) {
	t.Parallel()
	p := &probe{visible: result.NewHistogram(), gaps: result.NewHistogram()}
	p.observe(noon, noon.Add(-time.Second), noon.Add(10*msec))
	p.observe(noon, noon.Add(1099*msec), noon.Add(1100*msec)) // and 850, 600, 350, 100
	require.EqualValues(t, 6, p.visible.N())
	require.InEpsilon(t, 1100, p.visible.Max(), .001)
	require.InEpsilon(t, 350, p.visible.Quantile(.5), .001)
	require.EqualValues(t, 2, p.gaps.N())
	require.InEpsilon(t, 1, p.gaps.Min(), .001)
	require.InEpsilon(t, 10, p.gaps.Max(), .001, "it was not visible before it was due")
	require.Equal(t, 10*msec, p.earliest)
}

func TestNextDue_FramesAtARate_FirstAfterTheMoment(t *testing.T) {
	t.Parallel()
	for from, want := range map[time.Duration]time.Duration{0: 200, 1: 200, 199: 200, 200: 400, 950: 1000, -5: 0} {
		require.Equal(t, noon.Add(want*msec), nextDue(noon, noon.Add(from*msec), 200*msec), from)
	}
	require.Equal(t, noon, nextDue(time.Time{}, noon, 200*msec))
}

func TestProbe_NoDatabase_NoSamples(t *testing.T) {
	t.Parallel()
	p := openProbe(context.Background(), fmt.Sprintf("postgres://127.0.0.1:%d/x?connect_timeout=1", 1), nil)
	p.begin(time.Second)
	visible, _ := p.close()
	require.Zero(t, visible.N())
}
