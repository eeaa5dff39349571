package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// vtestFrames is how many frames vtest.avi has.
const vtestFrames = 795

func TestRun_File_OneRowAFrameAndADetection(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	dir := dataDir(t)
	out := ok(t, sightlog, "run", "--source", "street="+clip, "--pace", "fast", "--data", dir)
	require.Contains(t, out, "795 frames")

	// The log and the tables say the same.
	p := start(t, sightlogd, "serve", "--data", dir)
	broker, database := endpoints(t, dir, p)
	from := []string{"--data", dir}
	require.Equal(t, vtestFrames, number(t, from, "select count(*) from sightings"))
	require.Zero(t, number(t, from, "select count(*) from sightings where captured_at > grabbed_at"), "a frame captured in the future")
	require.Equal(t, 1, number(t, from, "select count(*) from runs where finished_at is not null and outcome = 'finished' and frames = 795"))

	seen := kcat(t, broker)
	require.Len(t, seen, vtestFrames)
	input := fmt.Sprintf("select count(*) from runs where model_width = %d and model_height = %d", seen[0].Model.Input[0], seen[0].Model.Input[1])
	require.Equal(t, 1, number(t, from, input), "the run says the input that its sightings say: %v", seen[0].Model.Input)
	objects := 0
	for i, s := range seen {
		require.EqualValues(t, i, s.Seq)
		require.Equal(t, "street", s.Camera)
		require.Equal(t, seen[0].Run, s.Run)
		objects += len(s.Objects)
	}
	require.Greater(t, objects, vtestFrames, "there are several people in most frames")
	require.Equal(t, objects, number(t, from, "select count(*) from v_detections where label = 'person'"))
	require.Equal(t, objects, number(t, from, "select sum(people) from sightings"))
	// Floating point differs a little between processors.
	require.InEpsilon(t, shownDetections(t), objects, 0.01, "README.md shows what make demo finds")

	psql, err := exec.LookPath("psql")
	if err != nil {
		testenv.Skip(t, "psql is not installed")
	}
	require.Equal(t, "795", strings.TrimSpace(ok(t, psql, "-XAtc", "select count(*) from sightings", database)))

	for _, question := range []string{"people", "latest", "latency"} {
		var answer []map[string]any
		require.NoError(t, json.Unmarshal([]byte(ok(t, sightlogd, "query", question, "--data", dir, "--format", "json")), &answer))
		require.NotEmpty(t, answer, question)
	}
	require.Zero(t, p.stop(t).code)

	// Without a server the question is answered, too.
	require.Equal(t, vtestFrames, number(t, from, "select count(*) from sightings"))

	// A finished file is a new run the next time.
	ok(t, sightlog, "run", "--source", "street="+clip, "--pace", "fast", "--data", dir)
	require.Equal(t, 2*vtestFrames, number(t, from, "select count(*) from sightings"))
	require.Equal(t, 2, number(t, from, "select count(distinct run_id) from sightings"))
}

// shownDetections returns the number of detections that README.md shows for the clip,
// whose lines have to agree.
func shownDetections(t testing.TB) (n int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testenv.Root(), "README.md"))
	require.NoError(t, err)
	m := regexp.MustCompile(`(?m)^795 frames, (\d+) detections, 795 sightings`).FindSubmatch(text)
	require.NotNil(t, m)
	n, err = strconv.Atoi(string(m[1]))
	require.NoError(t, err)
	rows := regexp.MustCompile(`(?m)^street +\S+ +(\d+) +(\d+) `).FindAllSubmatch(text, -1)
	frames, sum := 0, 0
	for _, row := range rows {
		f, err := strconv.Atoi(string(row[1]))
		require.NoError(t, err)
		d, err := strconv.Atoi(string(row[2]))
		require.NoError(t, err)
		frames, sum = frames+f, sum+d
	}
	require.Equal(t, vtestFrames, frames)
	require.Equal(t, n, sum)
	return n
}

// kcat reads the sightings with somebody else's Kafka client.
func kcat(t testing.TB, broker string) []event.Sighting {
	t.Helper()
	program, err := exec.LookPath("kcat")
	if err != nil {
		testenv.Skip(t, "kcat is not installed")
	}
	out := ok(t, program, "-b", broker, "-t", "sightings", "-C", "-e", "-q")
	var all []event.Sighting
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		s, err := event.DecodeSighting([]byte(line))
		require.NoError(t, err)
		all = append(all, *s)
	}
	return all
}

func TestRun_Interrupted_StopsSoonAndResumes(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	dir := dataDir(t)
	args := []string{"run", "--source", "street=" + clip, "--data", dir, "--pace", "fast"}
	p := start(t, sightlog, args...)
	endpoints(t, dir, p)
	waitRows(t, dir, 40)

	asked := time.Now()
	r := p.stop(t)
	took := time.Since(asked)
	require.Zero(t, r.code, r.stdout)
	t.Logf("stopped in %s", took.Round(time.Millisecond)) // a figure, not a verdict

	from := []string{"--data", dir}
	before := number(t, from, "select count(*) from sightings")
	require.Less(t, before, vtestFrames)
	out := ok(t, sightlog, args...)
	require.Contains(t, out, "of an unfinished run")
	require.Equal(t, vtestFrames, number(t, from, "select count(*) from sightings"))
	require.Equal(t, 1, number(t, from, "select count(*) from runs"))
	require.Equal(t, vtestFrames, number(t, from, "select frames from runs"))
}

// waitRows waits until the tables of a live data directory hold at least n
// sightings.
func waitRows(t testing.TB, dir string, n int) {
	t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if number(t, []string{"--data", dir}, "select count(*) from sightings") >= n {
			return
		}
	}
	t.Fatalf("%s does not reach %d sightings", dir, n)
}

func TestRun_TruncatedVideo_GoodFramesAndExitCode3(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(testenv.Data(t, "video/vtest.avi"))
	require.NoError(t, err)
	clip := filepath.Join(t.TempDir(), "cut.avi")
	require.NoError(t, os.WriteFile(clip, whole[:len(whole)/4], 0o600))
	dir := dataDir(t)
	r := do(t, sightlog, "run", "--source", clip, "--data", dir, "--pace", "fast")
	require.Equal(t, 3, r.code, "%s%s", r.stdout, r.stderr)
	require.Contains(t, r.stderr, "is damaged")
	n := number(t, []string{"--data", dir}, "select count(*) from sightings")
	require.Greater(t, n, 50)
	require.Less(t, n, vtestFrames)
	require.Equal(t, 1, number(t, []string{"--data", dir}, "select count(*) from runs where outcome = 'damaged' and damage is not null"))
}

func TestServices_SeparateProcesses_EachFrameOnce(t *testing.T) {
	t.Parallel()
	clip := testenv.Data(t, "video/vtest.avi")
	database := databaseURL(t)
	dir := dataDir(t)
	b := start(t, sightlogd, "broker", "--listen", "127.0.0.1:0", "--data", dir)
	broker, _ := endpoints(t, dir, b)
	sink := start(t, sightlogd, "sink", "--brokers", broker, "--database-url", database)
	ok(t, sightlog, "detect", "--brokers", broker, "--source", "street="+clip, "--pace", "fast")
	from := []string{"--database-url", database}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if number(t, from, "select count(*) from sightings") == vtestFrames {
			break
		}
	}
	require.Equal(t, vtestFrames, number(t, from, "select count(*) from sightings"))
	require.Zero(t, sink.stop(t).code, sink.output)
	require.Zero(t, b.stop(t).code, b.output)
}

func TestDetect_Alone_HasMetricsOfItsCameras(t *testing.T) {
	t.Parallel()
	dir, addr := dataDir(t), testenv.FreeAddr(t)
	b := start(t, sightlogd, "broker", "--listen", "127.0.0.1:0", "--data", dir)
	broker, _ := endpoints(t, dir, b)
	p := start(t, sightlog, "detect", "--brokers", broker, "--source", "hall=test://people", "--metrics", addr)
	awaitHealth(t, p, addr, http.StatusOK, "ok")
	frames := regexp.MustCompile(`(?m)^sightlog_detect_frames_total\{camera="hall"\} [1-9]`)
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + addr + "/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return err == nil && frames.Match(body)
	}, limit, 20*time.Millisecond, "%s", p.output)
	require.Zero(t, p.stop(t).code, p.output)
}

func TestSightlogd_Binary_Static(t *testing.T) {
	t.Parallel()
	ldd, err := exec.LookPath("ldd")
	if err != nil {
		testenv.Skip(t, "ldd is not installed")
	}
	r := do(t, ldd, sightlogd)
	require.Contains(t, r.stdout+r.stderr, "not a dynamic executable")
}
