package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

const tick = 20 * time.Millisecond

// spooled is how many sightings are in the spool of a detect.
func spooled(t testing.TB, dir string) int {
	t.Helper()
	return offsetsIn(t, "sightings", "--data", dir)
}

// offsetsIn is how many offsets a topic has, 0 before it exists.
func offsetsIn(t testing.TB, topic string, from ...string) int {
	t.Helper()
	r := do(t, sightlogd, append([]string{"topics", "list", "--format", "csv"}, from...)...)
	for line := range strings.Lines(r.stdout) {
		if fields := strings.Split(strings.TrimSpace(line), ","); fields[0] == topic {
			n, err := strconv.Atoi(fields[3])
			require.NoError(t, err)
			return n
		}
	}
	return 0
}

// The brokers are away from the start on, for most of two files, and again later; detect is
// killed. The tables have each frame once, and the topic each camera's in order.
func TestDetect_SpoolAndBrokersAway_EachRowOnceInOrder(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	listen, central, spool, url := testenv.FreeAddr(t), dataDir(t), dataDir(t), databaseURL(t)
	args := []string{"detect", "--spool", spool, "--brokers", listen, "--source", "street=" + clip, "--source", "square=" + clip, "--pace", "fast"}
	d := start(t, sightlog, args...)
	require.Eventually(t, func() bool { return d.ended() || spooled(t, spool) >= 200 }, limit, tick)
	require.False(t, d.ended(), d.output)
	d.kill()
	d = start(t, sightlog, args...)
	startCentre := func() *process {
		b := start(t, sightlogd, "broker", "--listen", listen, "--data", central)
		endpoints(t, central, b)
		return b
	}
	centre := startCentre()
	sink := start(t, sightlogd, "sink", "--brokers", listen, "--database-url", url)
	from := []string{"--database-url", url}
	count := func() int { return number(t, from, "select count(*) from sightings") }
	require.Eventually(t, func() bool { return d.ended() || count() > 300 }, limit, tick, "%s", d.output)
	centre.kill()
	centre = startCentre()
	require.Zero(t, d.wait(t).code, d.output)
	require.Eventually(t, func() bool { return count() >= 2*vtestFrames }, limit, tick)
	require.Equal(t, 2*vtestFrames, count())

	inOrder := make(map[string][]string)
	run := make(map[string]string)
	for _, s := range kcat(t, listen) {
		inOrder[s.Camera] = append(inOrder[s.Camera], s.EventID)
		run[s.Camera] = s.Run
	}
	for _, camera := range []string{"street", "square"} {
		var want []string
		for n := range vtestFrames {
			want = append(want, event.MakeEventID(camera, run[camera], int64(n)))
		}
		require.Equal(t, want, inOrder[camera])
	}
	require.Equal(t, "2", strings.TrimSpace(ok(t, sightlog, "query", "sql", "--format", "csv", "--database-url", url,
		"select count(*) from runs where outcome = 'finished'"))[len("count\n"):])
	for _, p := range []*process{sink, centre} {
		require.Zero(t, p.stop(t).code, p.output)
	}
}

// A source is stopped while the brokers are away: the next start mirrors the rest, and goes on
// with the run.
func TestDetect_SpoolStopped_NextStartMirrorsTheRest(t *testing.T) {
	t.Parallel()
	listen, central, spool, url, metrics := testenv.FreeAddr(t), dataDir(t), dataDir(t), databaseURL(t), testenv.FreeAddr(t)
	args := []string{"detect", "--spool", spool, "--brokers", listen, "--source", "hall=test://people", "--metrics", metrics}
	d := start(t, sightlog, args...)
	require.Eventually(t, func() bool { return d.ended() || spooled(t, spool) >= 20 }, limit, tick)
	awaitHealth(t, d, metrics, http.StatusServiceUnavailable, "the mirror waits for the target: ")
	families := lint(t, metrics)
	require.Contains(t, families, "sightlog_mirror_lag_records")
	require.Contains(t, families, "sightlog_broker_held_partitions")
	require.Zero(t, d.stop(t).code, d.output)
	require.Contains(t, d.output.String(), "records are in the spool; the next start with it mirrors them")

	centre := start(t, sightlogd, "broker", "--listen", listen, "--data", central)
	endpoints(t, central, centre)
	sink := start(t, sightlogd, "sink", "--brokers", listen, "--database-url", url)
	from := []string{"--database-url", url}
	d = start(t, sightlog, args...)
	require.Eventually(t, func() bool { return d.ended() || number(t, from, "select count(*) from sightings") > 60 }, limit, tick, "%s", d.output)
	require.Zero(t, d.stop(t).code, d.output)
	require.NotContains(t, d.output.String(), "records are in the spool")
	frames := 0
	for _, r := range kcat(t, listen) {
		require.EqualValues(t, frames, r.Seq)
		frames++
	}
	require.Eventually(t, func() bool { return number(t, from, "select count(*) from sightings") >= frames }, limit, tick)
	require.Equal(t, frames, number(t, from, "select count(distinct seq) from sightings"))
	for _, p := range []*process{sink, centre} {
		require.Zero(t, p.stop(t).code, p.output)
	}
}

func TestDetect_SpoolMistakes_OneLine(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"--spool-space 0.001; give 0.01 gigabytes or more": {"--spool", dataDir(t), "--spool-space", "0.001"},
		"--tls-ca and --tls-cert have no effect without":   {"--spool", dataDir(t), "--tls-ca", "x"},
	} {
		r := do(t, sightlog, append([]string{"detect", "--source", "test://people", "--brokers", "127.0.0.1:1"}, args...)...)
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, want)
	}
}

// A spool that run would not have is refused, wherever it is named.
func TestRun_Spool_RefusedInOneLine(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(file, []byte("brokers: [127.0.0.1:1]\nspool: there\n"), 0o600))
	const brokers = "run --brokers has no --spool; use sightlog detect --spool and, for the tables, sightlogd serve"
	for _, c := range []struct {
		want string
		args []string
	}{
		{brokers, []string{"--brokers", "127.0.0.1:1", "--spool", dataDir(t)}},
		{brokers, []string{"--config", file}},
		{"run has no --spool, but the bundled log; leave it out; sightlogd mirror copies", []string{"--spool", dataDir(t)}},
	} {
		r := do(t, sightlog, append([]string{"run", "--source", "test://people?frames=1", "--data", dataDir(t)}, c.args...)...)
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, c.want)
		require.Equal(t, 1, strings.Count(strings.TrimSpace(r.stderr), "\n")+1, r.stderr)
	}
}
