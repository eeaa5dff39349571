package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
)

// cycleFrames is how many frames the source of a cycle has.
const cycleFrames = 100

// cycleRecords is how many records a cycle leaves in the log: its sightings, the
// run's start and end, and the job's end.
const cycleRecords = cycleFrames + 3

// cycles is how many kills TestRun_RandomKills makes: SIGHTLOG_CYCLES, or a few.
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

// In each cycle detect, its parent, or both are killed once, when the log holds a
// random number of the run's records, and the run is started again until it is
// done. Each source is then one run of all its frames, in the topic and in the
// tables.
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
	want := make(map[string]string)
	killed := make(map[string]int)
	killedAt := make(map[string]time.Time) // of a parent, by camera
	early := 0                             // runs that ended before their kill
	for i := 0; i-early < cycles(t); i++ {
		require.LessOrEqual(t, early, 3+cycles(t), "most runs end before their kill")
		camera := fmt.Sprintf("c%d%s", i, []string{"", "-file"}[i%2])
		want[camera] = fmt.Sprintf("run of %d frames;", cycleFrames)
		victim := []string{"detect", "parent", "both"}[random.IntN(3)]
		records := drawRecords(random, victim)
		pause := time.Duration(random.IntN(20)) * time.Millisecond
		p := start(t, sightlog, args(camera)...)
		child := firstChild(p)
		awaitRecords(t, p, listen, camera, records)
		letPass(p, pause)
		pids := []int{p.cmd.Process.Pid}
		switch victim {
		case "detect":
			pids = []int{child}
		case "both":
			pids = append(pids, child)
		}
		if p.ended() || !alive(pids[0]) {
			early++
		} else {
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
	t.Logf("killed: %v; runs that had ended before their kill: %d", killed, early)
	endedBefore := requireOnce(t, dir, database, want, killedAt)
	t.Logf("jobs that had ended before their kill: %d", endedBefore)
	if cycles(t) >= 30 {
		require.Len(t, killed, 3, "each was killed")
	}
}

// drawRecords draws how many records of a run the log holds when the victim is
// killed: any number or, every third time, one around the run's end. Detect has
// ended when the job's end is written.
func drawRecords(random *rand.Rand, victim string) int {
	most := cycleRecords
	if victim == "detect" {
		most = cycleFrames + 1
	}
	if random.IntN(3) == 0 {
		return most - random.IntN(5)
	}
	return random.IntN(most + 1)
}

// awaitRecords waits until the log holds n records of a camera, whether they are
// committed or not, or p has ended.
func awaitRecords(t testing.TB, p *process, broker, camera string, n int) {
	t.Helper()
	if n == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	var ends sync.WaitGroup
	ends.Go(func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	})
	defer ends.Wait()
	defer cancel()
	cl, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.ConsumeTopics(kafka.Sightings, kafka.Runs),
		kgo.FetchIsolationLevel(kgo.ReadUncommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.MetadataMinAge(10*time.Millisecond))
	require.NoError(t, err)
	defer cl.Close()
	name := fmt.Appendf(nil, `"camera":%q`, camera)
	for held := 0; held < n && ctx.Err() == nil; {
		cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			if bytes.Contains(r.Value, name) {
				held++
			}
		})
	}
	require.True(t, p.ended() || ctx.Err() == nil, "%d records never came\n%s", n, p.output)
}

// alive reports whether a process runs; one that has ended and was not waited for
// does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := bytes.Cut(stat, []byte(") "))
	return err == nil && len(state) > 0 && state[0] != 'Z'
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

// firstChild waits for the child of a run that reads its sources, 0 when the run
// ended without. One that checks the model comes before it.
func firstChild(p *process) int {
	for !p.ended() {
		for _, pid := range children(p.cmd.Process.Pid) {
			args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if err == nil && bytes.Contains(args, []byte("--supervised")) && !bytes.Contains(args, []byte("--check")) {
				return pid
			}
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
