package e2e_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// cycleFrames is how many frames the source of a cycle has.
const cycleFrames = 100

// cycles is how many kills TestRandomKills makes: SIGHTLOG_CYCLES, or a few.
func cycles(t testing.TB) int {
	t.Helper()
	v := os.Getenv("SIGHTLOG_CYCLES")
	if v == "" {
		return 3
	}
	n, err := strconv.Atoi(v)
	require.NoError(t, err, "SIGHTLOG_CYCLES")
	return n
}

// In each cycle detect, its parent, or both are killed once, at a random moment
// between the child's start and the end of the run, and the run is started again
// until it is done. Each source is then one run of all its frames, in the topic
// and in the tables.
func TestRun_RandomKills_EachSourceReadOnce(t *testing.T) {
	t.Parallel()
	dir, listen, database := dataDir(t), testenv.FreeAddr(t), databaseURL(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	clip := cycleClip(t)
	args := func(camera string) []string {
		source := fmt.Sprintf("test://people?size=64x64&people=1&frames=%d", cycleFrames)
		if strings.HasSuffix(camera, "-file") {
			source = clip
		}
		return []string{"run", "--source", camera + "=" + source,
			"--pace", "fast", "--data", dir, "--listen", listen, "--database-url", database}
	}
	length := lengthOfRun(t, args("unhurt"))
	want := map[string]string{"unhurt": fmt.Sprintf("run of %d frames;", cycleFrames)}
	killed := make(map[string]int)
	killedAt := make(map[string]time.Time) // of a parent, by camera
	for i := range cycles(t) {
		camera := fmt.Sprintf("c%d%s", i, []string{"", "-file"}[i%2])
		want[camera] = want["unhurt"]
		victim := []string{"detect", "parent", "both"}[random.IntN(3)]
		p := start(t, sightlog, args(camera)...)
		child := firstChild(p)
		letPass(p, time.Duration(random.Int64N(int64(length))))
		pids := []int{p.cmd.Process.Pid}
		switch victim {
		case "detect":
			pids = []int{child}
		case "both":
			pids = append(pids, child)
		}
		if !p.ended() {
			killed[victim]++
			killAll(pids)
		}
		at := time.Now()
		r := p.wait(t)
		if r.code != 0 && victim != "detect" {
			killedAt[camera] = at
		}
		for tries := 0; r.code != 0; tries++ {
			require.Less(t, tries, 4, "%s: %s", camera, r.stdout)
			r = start(t, sightlog, args(camera)...).wait(t)
		}
	}
	t.Logf("killed: %v", killed)
	if cycles(t) >= 30 {
		require.Len(t, killed, 3, "each was killed")
	}
	endedBefore := requireOnce(t, dir, database, want, killedAt)
	t.Logf("jobs that had ended before their kill: %d", endedBefore)
}

// cycleClip makes a file of cycleFrames frames.
func cycleClip(t testing.TB) string {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		testenv.Skip(t, "ffmpeg is not installed")
	}
	path := filepath.Join(t.TempDir(), "clip.mp4")
	ok(t, ffmpeg, "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=128x96:rate=25", "-frames:v", strconv.Itoa(cycleFrames), "-pix_fmt", "yuv420p", path)
	return path
}

// lengthOfRun is how long a run takes from its child's start to its end.
func lengthOfRun(t testing.TB, args []string) time.Duration {
	t.Helper()
	p := start(t, sightlog, args...)
	firstChild(p)
	began := time.Now()
	require.Zero(t, p.wait(t).code, p.output)
	return time.Since(began)
}

// firstChild waits for the child of a run, 0 when it ended without.
func firstChild(p *process) int {
	for !p.ended() {
		if pids := children(p.cmd.Process.Pid); len(pids) > 0 {
			return pids[0]
		}
		letPass(p, time.Millisecond)
	}
	return 0
}

// requireOnce compares topic and tables with what each camera's runs have to be.
// A job that the log called ended before its program was killed begins anew
// when it is started again: requireOnce returns how many there were.
func requireOnce(t *testing.T, dir, database string, want map[string]string, killedAt map[string]time.Time) (ended int) {
	t.Helper()
	serve := start(t, sightlogd, "serve", "--data", dir, "--database-url", database)
	broker, _ := endpoints(t, dir, serve)
	for camera, at := range jobEnds(t, broker) {
		if killed, was := killedAt[camera]; was && at.Before(killed) {
			ended++
			want[camera] += want[camera]
		}
	}
	require.Equal(t, want, inTopic(t, broker))
	tables := make(map[string]string)
	for _, r := range rows(t, []string{"--database-url", database}, `select camera, count(*) as n, min(seq) as first, max(seq) as last
		from v_sightings group by camera, run order by camera, run`) {
		require.Equal(t, "0", fmt.Sprint(r["first"]))
		require.Equal(t, fmt.Sprint(cycleFrames-1), fmt.Sprint(r["last"]))
		tables[r["camera"].(string)] += fmt.Sprintf("run of %v frames;", r["n"])
	}
	require.Equal(t, want, tables)
	require.Zero(t, serve.stop(t).code, serve.output)
	return ended
}

// jobEnds are the times at which the log was told that the job of each camera's
// first run had ended.
func jobEnds(t testing.TB, broker string) map[string]time.Time {
	t.Helper()
	program, err := exec.LookPath("kcat")
	if err != nil {
		testenv.Skip(t, "kcat is not installed")
	}
	first, ends := make(map[string]string), make(map[string]time.Time)
	for line := range strings.SplitSeq(strings.TrimSpace(ok(t, program, "-b", broker, "-t", "runs", "-C", "-e", "-q", "-f", "%T %s\n")), "\n") {
		ms, value, _ := strings.Cut(line, " ")
		var run event.Run
		require.NoError(t, json.Unmarshal([]byte(value), &run))
		if first[run.Camera] == "" {
			first[run.Camera] = run.ID
		}
		if run.ID == first[run.Camera] && !run.FinishedAt.IsZero() && !run.JobOpen {
			n, err := strconv.ParseInt(ms, 10, 64)
			require.NoError(t, err)
			ends[run.Camera] = time.UnixMilli(n)
		}
	}
	return ends
}
