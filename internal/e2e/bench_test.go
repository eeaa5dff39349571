package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

func TestBench_Pipeline_AccountsForEveryFrame(t *testing.T) {
	t.Parallel()
	out := ok(t, sightlog, "bench", "--source", "test://people?frames=40&fps=40", "--cameras", "2", "--rounds", "2", "--json", "-")
	r := readReport(t, out)
	require.Len(t, r.Rounds, 2)
	require.Equal(t, benchresult.Correctness{Sent: 160, Stored: 160}, r.Correct)
	frames := r.Total.Frames // on a busy machine the meters begin later than the frames
	require.Positive(t, frames)
	require.LessOrEqual(t, frames, int64(160))
	for _, s := range benchresult.Spans {
		switch h := r.Total.Histograms[s.Name]; s.Name {
		case benchresult.DueVisible, benchresult.ProbeGap: // of samples
		case benchresult.WarmUp:
			require.Equal(t, 160-frames, h.N())
		default:
			require.Equal(t, frames, h.N(), s.Name)
			require.LessOrEqual(t, h.Quantile(.99), h.Max())
		}
	}
	for _, name := range []string{benchresult.CPUDetect, benchresult.CPUServices, benchresult.CPUPostgres, benchresult.RSS, benchresult.OnDiskLog, benchresult.OnDiskDB, benchresult.P99} {
		require.Positive(t, r.Total.Values[name], name)
	}
	require.Less(t, r.Total.Histograms[benchresult.GrabbedCommitted].Quantile(.5), r.Total.Histograms[benchresult.DueCommitted].Quantile(.5)+.001)
	require.NotEmpty(t, r.Durability.Disks)
	require.Contains(t, r.Durability.Stated, "fsync on")
	require.Equal(t, "person-nano", r.Inputs[len(r.Inputs)-1].Name)
}

func readReport(t testing.TB, text string) *benchresult.Report {
	t.Helper()
	all, err := benchresult.ReadAll(strings.NewReader(text), "stdout")
	require.NoError(t, err, text)
	require.Len(t, all, 1)
	return all[0]
}

// rowsOf waits until there are so many sightings.
func rowsOf(t *testing.T, db *pgxpool.Pool, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		var rows int
		err := db.QueryRow(t.Context(), "SELECT count(*) FROM sightings").Scan(&rows)
		return err == nil && rows >= n // the tables are made by the first start
	}, limit, 10*time.Millisecond)
}

// late is how many frames took so long or longer.
func late(h *benchresult.Histogram, ms float64) (n int) {
	for _, b := range h.Bars() {
		if b.From >= ms {
			n += int(b.N)
		}
	}
	return n
}

// stall measures while something stands still for a second or more, and returns the report
// and for how long it was: at least.
func stall(t *testing.T, hold func(bench *process, db *pgxpool.Pool) (release func()), more ...string) (r *benchresult.Report, ms float64) {
	t.Helper()
	url := pgtest.URL(t)
	db := pgtest.Pool(t, url)
	report := filepath.Join(t.TempDir(), "report.json")
	args := []string{"bench", "--source", "test://people?size=320x240", "--fps", "20", "--duration", "6s", "--warm-up", "1s", "--database-url", url, "--json", report}
	bench := start(t, sightlog, append(args, more...)...)
	rowsOf(t, db, 40)
	release := hold(bench, db)
	began := time.Now()
	<-time.After(time.Second) // what is measured is how long it was, not that it was a second
	held := time.Since(began)
	release()
	done := bench.wait(t)
	require.Zero(t, done.code, done.stdout)
	text, err := os.ReadFile(report)
	require.NoError(t, err)
	return readReport(t, string(text)), float64(held.Milliseconds())
}

// A stalled sink is in the latency of each frame that was due meanwhile, wherever it is
// counted from.
func TestBench_StalledSink_ShowsInFull(t *testing.T) {
	t.Parallel()
	r, ms := stall(t, func(_ *process, db *pgxpool.Pool) func() {
		tx, err := db.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "LOCK TABLE sightings IN EXCLUSIVE MODE")
		require.NoError(t, err)
		return func() { require.NoError(t, tx.Commit(t.Context())) }
	})
	h := r.Total.Histograms
	for _, name := range []string{benchresult.DueVisible, benchresult.DueCommitted, benchresult.GrabbedCommitted} {
		require.Greater(t, h[name].Max(), ms-100, name) // a frame was due in the first 50 ms
	}
	require.Greater(t, late(h[benchresult.DueCommitted], ms/2), int(ms/2/50)-3)
	require.Greater(t, late(h[benchresult.GrabbedCommitted], ms/2), int(ms/2/50)-3)
	require.Less(t, h[benchresult.Wait].Max(), ms/2, "the cameras were not held up")
}

// freezingDisk returns a directory on an ext4 of its own, which fsfreeze(8) can stall.
func freezingDisk(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		testenv.Skip(t, "root alone mounts a disk that can be frozen")
	}
	dir, image := dataDir(t), filepath.Join(t.TempDir(), "disk.img")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, 400<<20))
	ok(t, "mkfs.ext4", "-q", image)
	if r := do(t, "mount", "-o", "loop", image, dir); r.code != 0 {
		testenv.Skip(t, "a disk cannot be mounted: "+r.stderr)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// A stalled disk of the log is in the latency of each frame that was due meanwhile.
func TestBench_StalledDisk_ShowsInFull(t *testing.T) {
	t.Parallel()
	dir := freezingDisk(t)
	r, ms := stall(t, func(*process, *pgxpool.Pool) func() {
		ok(t, "fsfreeze", "-f", dir)
		return func() { ok(t, "fsfreeze", "-u", dir) }
	}, "--data", filepath.Join(dir, "data"))
	h := r.Total.Histograms
	for _, name := range []string{benchresult.DueVisible, benchresult.DueCommitted} {
		require.Greater(t, h[name].Max(), ms-100, name)
	}
	require.Greater(t, late(h[benchresult.DueCommitted], ms/2), int(ms/2/50)-3)
	require.Less(t, h[benchresult.Commit].Max(), ms/2, "the database is on another disk")
	require.Less(t, h[benchresult.Decode].Max(), ms/2)
}

// A stalled camera is in the latency of each frame that was due meanwhile; counted from
// grabbed, it is in that of the few frames that were under way.
func TestBench_StalledCamera_ShowsInFullFromDueAlone(t *testing.T) {
	t.Parallel()
	r, ms := stall(t, func(bench *process, _ *pgxpool.Pool) func() {
		detect := children(bench.cmd.Process.Pid)
		require.Len(t, detect, 1, "the database is another process' child")
		require.NoError(t, syscall.Kill(detect[0], syscall.SIGSTOP))
		return func() { require.NoError(t, syscall.Kill(detect[0], syscall.SIGCONT)) }
	})
	h := r.Total.Histograms
	require.Greater(t, h[benchresult.DueVisible].Max(), ms-100)
	require.Greater(t, h[benchresult.DueCommitted].Max(), ms-100)
	require.Greater(t, late(h[benchresult.DueCommitted], ms/2), int(ms/2/50)-3)
	require.LessOrEqual(t, late(h[benchresult.GrabbedCommitted], ms/2), 4)
	require.Greater(t, r.Total.Late, int64(ms/50)-8)
}

// Ctrl-C ends a measurement, whose figures are printed and marked.
func TestBench_Interrupted_PrintsWhatWasMeasured(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	db := pgtest.Pool(t, url)
	report := filepath.Join(t.TempDir(), "report.json")
	bench := start(t, sightlog, "bench", "--source", "test://people?size=320x240", "--fps", "20", "--duration", "1h", "--warm-up", "1s", "--rounds", "3", "--database-url", url, "--json", report)
	rowsOf(t, db, 60)
	bench.signal(os.Interrupt)
	done := bench.wait(t)
	require.Zero(t, done.code, done.stdout)
	require.Contains(t, done.stdout, "CUT SHORT: it was stopped in round 1 of 3")
	require.Contains(t, done.stdout, " left")
	text, err := os.ReadFile(report)
	require.NoError(t, err)
	r := readReport(t, string(text))
	require.Contains(t, r.Cut, "round 1 of 3")
	require.Greater(t, r.Total.Frames, int64(20))
	require.Less(t, r.Total.Seconds, 3600.)
	require.True(t, r.Correct.OK())
}

func TestBench_Detector_ReportsEachModel(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	out := ok(t, sightlog, "bench", "detector", "--source", "test://people?frames=8", "--model", "person-nano,person-nano", "--rounds", "2", "--json", file)
	require.Contains(t, out, "correct: 16 frames decoded alone")
	all := reports(t, file)
	require.Len(t, all, 2)
	for _, r := range all {
		require.Equal(t, benchresult.Detector, r.Kind)
		require.Equal(t, "person-nano", r.Name)
		require.True(t, r.Correct.OK())
		require.Len(t, r.Rounds, 2)
		require.EqualValues(t, 8, r.Rounds[0].Frames)
		for _, name := range []string{"cpu_decode_ms_per_frame", "cpu_infer_ms_per_frame", "cpu_whole_ms_per_frame", "whole_over_decode_and_infer"} {
			require.Positive(t, r.Total.Values[name], name)
		}
		require.Len(t, r.Floor, 2)
	}
}

// A soak has a round for each sample of the memory.
func TestBench_DetectorFor_SamplesAreRounds(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "report.json")
	ok(t, sightlog, "bench", "detector", "--source", "test://people?frames=8", "--for", "300ms", "--json", file)
	r := reports(t, file)[0]
	require.NotEmpty(t, r.Rounds)
	require.Positive(t, r.Total.Frames)
	require.Positive(t, r.Total.Values["rss_last_bytes"])
}

func TestBench_Broker_ReportCompleteAndNothingLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "report.json")
	out := ok(t, sightlog, "bench", "broker", "--dir", dir, "--rate", "400", "--duration", "500ms", "--warm-up", "0s", "--rounds", "2", "--json", file)
	require.Contains(t, out, "0 missing, 0 twice, 0 out of order")
	require.Contains(t, out, "CPU a record, broker")
	all := reports(t, file)
	require.Len(t, all, 1)
	r := all[0]
	require.Equal(t, benchresult.Broker, r.Kind)
	require.True(t, r.Correct.OK())
	require.Len(t, r.Rounds, 2)
	require.EqualValues(t, 400, r.Total.Frames)
	require.Equal(t, "400", r.Settings["rate"])
	require.Equal(t, "bundled", r.Machine.Broker)
	require.NotEmpty(t, r.Version)
	require.Positive(t, r.Total.Values["cpu_broker_us_per_record"])
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1, "its log and the probe of the disk are removed")
}

// reports reads the reports of a file.
func reports(t *testing.T, path string) []*benchresult.Report {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	all, err := benchresult.ReadAll(f, path)
	require.NoError(t, err)
	return all
}

func TestBench_BrokerThatCannotBe_OneLine(t *testing.T) {
	t.Parallel()
	for says, args := range map[string][]string{
		"the brokers 127.0.0.1:1 cannot be used": {"--brokers", "127.0.0.1:1"},
		"--json /no/such/file":                   {"--json", "/no/such/file"},
		"--dir /no/such/directory":               {"--dir", "/no/such/directory"},
		"--producers 0; give 1 to 1000":          {"--producers", "0"},
		"--acks must be one of":                  {"--acks", "some"},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			r := do(t, sightlog, append([]string{"bench", "broker"}, args...)...)
			require.Equal(t, 2, r.code)
			require.Contains(t, r.stderr, says)
			require.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
		})
	}
}

// A small backlog: the sink, COPY beside it, and the steady rate, on a private database and
// on one by URL, of which nothing stays.
func TestBench_Sink_BothSidesWholeAndNothingLeft(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"private": "", "by URL": pgtest.Empty(t, "")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Dir(dataDir(t))
			file := filepath.Join(t.TempDir(), "report.json")
			args := []string{"bench", "sink", "--dir", dir, "--sightings", "2000", "--rounds", "2", "--rate", "200", "--duration", "500ms", "--json", file}
			if url != "" {
				args = append(args, "--database-url", url)
			}
			out := ok(t, sightlog, args...)
			require.Contains(t, out, "correct: 10200 sightings sent, 10200 in the tables, 0 missing, 0 twice")
			r := reports(t, file)[0]
			require.Equal(t, benchresult.Sink, r.Kind)
			require.Len(t, r.Rounds, 2)
			for _, name := range []string{"rows_per_second", "copy_rows_per_second", "time_over_copy", "cpu_sink_us_per_row", "sink_peak_bytes"} {
				require.Positive(t, r.Total.Values[name], name)
			}
			require.EqualValues(t, 200, r.Total.Histograms["due→committed"].N())
			left, err := filepath.Glob(filepath.Join(dir, "sightlog-bench-*"))
			require.NoError(t, err)
			require.Empty(t, left)
			if url == "" {
				return
			}
			conn, err := pgx.Connect(t.Context(), url)
			require.NoError(t, err)
			defer conn.Close(t.Context())
			var schemas int
			require.NoError(t, conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'sightlog%'").Scan(&schemas))
			require.Zero(t, schemas)
		})
	}
}

const twoPoints = "bench: broker\npartitions: [1, 4, 9]\nrate: 300\nduration: 300ms\nwarm-up: 0s\nrounds: 1\n"

// A sweep that is killed is resumed by the same command: its points stay as they are.
func TestBench_SweepKilled_ResumedWithoutRunningDonePoints(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	grid, results := filepath.Join(dir, "grid.yaml"), filepath.Join(dir, "results")
	require.NoError(t, os.WriteFile(grid, []byte(twoPoints), 0o600))
	args := []string{"bench", "sweep", grid, "--results", results, "--dir", dir}
	p := start(t, sightlog, args...)
	done := func() []string {
		files, err := filepath.Glob(filepath.Join(results, "points", "*.json"))
		require.NoError(t, err)
		return files
	}
	require.Eventually(t, func() bool { return len(done()) > 0 || p.ended() }, limit, time.Millisecond)
	p.kill()
	require.NotEmpty(t, done())
	first := done()[0]
	before, err := os.ReadFile(first)
	require.NoError(t, err)

	out := ok(t, sightlog, args...)
	require.Len(t, done(), 3)
	after, err := os.ReadFile(first)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after))
	require.Regexp(t, `partitions +p99 ms`, out)
	all := reports(t, filepath.Join(results, "sweep.json"))
	require.Len(t, all, 3)
	require.Equal(t, map[string]string{"partitions": "4"}, all[1].Point)
	left, err := filepath.Glob(filepath.Join(dir, "sightlog-*"))
	require.NoError(t, err)
	require.Empty(t, left, "what the killed one left is removed")
	page := filepath.Join(dir, "page.html")
	ok(t, sightlog, "bench", "report", filepath.Join(results, "sweep.json"), "--html", page)

	require.NoError(t, os.WriteFile(grid, []byte(strings.Replace(twoPoints, "[1, 4, 9]", "[4, 9]", 1)), 0o600))
	r := do(t, sightlog, args...)
	require.Zero(t, r.code)
	require.Contains(t, r.stderr, "the grid has changed")
	require.Contains(t, r.stderr, "2 of its 2 points are there, 1 points of other grids stay in it")
}

func TestBench_SweepThatCannotBe_OneLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for says, text := range map[string]string{
		`bench broker has no key "lingers"; did you mean "linger"?`: "bench: broker\nlingers: [0s, 1s]\n",
		"--acks must be one of":               "bench: broker\nacks: [all, some]\n",
		"rate=-5: --rate -5; give 0 to 1e+07": "bench: broker\nrate: [-5, 5]\n",
		"bench pipeline has no key \"size\"":  "bench: pipeline\nsize: 3\n",
	} {
		path := filepath.Join(t.TempDir(), "grid.yaml")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		r := do(t, sightlog, "bench", "sweep", path, "--results", filepath.Join(dir, "results"), "--dir", dir)
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, says)
	}
	for says, args := range map[string][]string{
		`did you mean "partitions"?`:             {"partition"},
		"no grid is named":                       {},
		"--results /dev/null/x":                  {"partitions", "--results", "/dev/null/x"},
		"the brokers 127.0.0.1:1 cannot be used": {"partitions", "--results", filepath.Join(dir, "unreached"), "--brokers", "127.0.0.1:1"},
	} {
		r := do(t, sightlog, append([]string{"bench", "sweep", "--dir", dir}, args...)...)
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, says)
	}
	require.Contains(t, ok(t, sightlog, "bench", "sweep", "--list"), "partitioner     12 points  bench broker")
	require.Contains(t, ok(t, sightlog, "bench", "sweep", "partitioner", "--show"), "partitioner: [round-robin, sticky, uniform]")
}
