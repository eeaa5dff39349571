package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// The pattern's clock is in the top rows: the region leaves it out, so that
// two runs look at the same picture.
const hall = `
cameras:
  hall:
    region: [0, 0.1, 1, 1]
    zones:
      left: [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]
      floor: [[0, 0.1], [1, 0.1], [1, 1], [0, 1]]
    lines:
      middle: [[0.5, 0], [0.5, 1]]
`

func TestRun_KilledWithZonesAndLines_SameRows(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(config, []byte(hall+"    loitering: 5s\n"), 0o600))
	args := func(dir, pace string) []string {
		return []string{"run", "--config", config, "--source", "hall=test://people?frames=160&fps=10", "--data", dir, "--pace", pace}
	}

	whole := dataDir(t)
	ok(t, sightlog, args(whole, "fast")...)
	want := told(t, whole)
	in, out, left, right := 0, 0, 0, 0
	for _, line := range want {
		switch {
		case strings.Contains(line, `"direction":"in"`):
			in++
		case strings.Contains(line, `"direction":"out"`):
			out++
		case strings.Contains(line, "{floor,left}"):
			left++
		case strings.Contains(line, "{floor}"):
			right++
		}
	}
	require.Positive(t, in, "somebody walks to the left")
	require.Positive(t, out, "somebody walks to the right")
	require.Greater(t, left, 20)
	require.Greater(t, right, 20)

	killed := dataDir(t)
	p := start(t, sightlog, args(killed, "as-recorded")...) // long enough to be killed
	endpoints(t, killed, p)
	waitRows(t, killed, 70)
	pids := append(children(p.cmd.Process.Pid), p.cmd.Process.Pid)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	p.kill()
	require.Contains(t, ok(t, sightlog, args(killed, "fast")...), "of an unfinished run")
	require.Equal(t, want, told(t, killed))

	serve := start(t, sightlogd, "serve", "--data", killed)
	broker, _ := endpoints(t, killed, serve)
	require.Len(t, topicCrossings(t, broker), in+out)
	var answer []map[string]any
	require.NoError(t, json.Unmarshal([]byte(ok(t, sightlogd, "query", "crossings", "--data", killed, "--format", "json")), &answer))
	require.NotEmpty(t, answer)
	requireVisitsOfTables(t, broker, killed, 5)
	ok(t, sightlogd, "replay", "--data", killed)
	require.Equal(t, want, told(t, killed), "built again from the log")
	requireVisitsOfTables(t, broker, killed, 5)
	require.Zero(t, serve.stop(t).code, serve.output)

	serve = start(t, sightlogd, "serve", "--data", whole)
	broker, _ = endpoints(t, whole, serve)
	requireVisitsOfTables(t, broker, whole, 5)
	require.Zero(t, serve.stop(t).code, serve.output)
}

// topicCrossings reads the topic of crossings, which holds each once.
func topicCrossings(t testing.TB, broker string) (all []*event.Crossing) {
	t.Helper()
	program, err := exec.LookPath("kcat")
	if err != nil {
		testenv.Skip(t, "kcat is not installed")
	}
	ids := make(map[string]bool)
	for line := range strings.SplitSeq(strings.TrimSpace(ok(t, program, "-b", broker, "-t", "crossings", "-C", "-e", "-q")), "\n") {
		c, err := event.DecodeCrossing([]byte(line))
		require.NoError(t, err)
		require.False(t, ids[c.EventID], c.EventID)
		ids[c.EventID] = true
		all = append(all, c)
	}
	return all
}

// told is what the tables of a data directory say of who was where.
func told(t testing.TB, dir string) (lines []string) {
	t.Helper()
	from := []string{"--data", dir}
	for _, sql := range []string{
		"select seq, object_index, track_id, score, zones from v_detections order by 1, 2",
		"select seq, line, direction, track_id, label from v_crossings order by 1, 2, 4",
		`select zone, track_id, label, frames, extract(epoch from entered_at - b.began) as entered, extract(epoch from dwell) as dwell
			from v_visits, (select min(captured_at) as began from v_sightings) b order by 1, 2, 5`,
		"select zone, sum(frames) as frames, sum(people_frames) as people_frames, max(max_people) as most from v_zone_minutes group by 1 order by 1",
		`select line, sum(crossings) filter (where direction = 'in') as came, sum(crossings) filter (where direction = 'out') as went
			from v_crossing_minutes group by 1 order by 1`,
	} {
		for _, row := range rows(t, from, sql) {
			b, err := json.Marshal(row)
			require.NoError(t, err)
			lines = append(lines, string(b))
		}
	}
	return lines
}

func TestRun_CameraSettings_SpareWork(t *testing.T) {
	t.Parallel()
	dir, previews := dataDir(t), filepath.Join(t.TempDir(), "previews")
	config := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(config, []byte(`
cameras:
  slow: {fps: 2}
  empty: {motion: true, region: [0, 0.1, 1, 1]}
`), 0o600))
	out := ok(t, sightlog, "run", "--config", config, "--data", dir, "--pace", "fast", "--preview", previews,
		"--source", "slow=test://people?frames=50&fps=10&people=1",
		"--source", "empty=test://people?frames=120&fps=10&people=0&size=768x576")
	require.Contains(t, out, "138 frames were not looked at")
	from := []string{"--data", dir}
	for camera, want := range map[string]string{
		"slow":  "{0,5,10,15,20,25,30,35,40,45}",
		"empty": "{0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,70}", // 2 s of patience, then a look every 5 s
	} {
		got := rows(t, from, "select array_agg(seq order by seq) as seqs from v_sightings where camera = '"+camera+"'")
		require.Equal(t, want, got[0]["seqs"], camera)
	}
	require.Zero(t, number(t, from, "select sum(dropped_before) from sightings"), "a file drops nothing")
	for _, camera := range []string{"slow", "empty"} {
		video, err := os.ReadFile(filepath.Join(previews, camera+".avi"))
		require.NoError(t, err)
		require.Equal(t, "RIFF", string(video[:4]))
	}
}

func TestRun_SettingsOfAbsentCamera_Refused(t *testing.T) {
	t.Parallel()
	config := filepath.Join(t.TempDir(), "c.yaml")
	for text, says := range map[string]string{
		"cameras: {hal: {fps: 2}}":                     `camera hal has settings in the configuration file, but no --source; did you mean "hall"?`,
		"cameras: {hall: {zone: {}}}":                  `camera hall: unknown key "zone"; did you mean "zones"?`,
		"cameras: {hall: {zones: {z: [[0,0],[1,1]]}}}": `camera hall, zone "z" has 2 points, and an area needs three`,
	} {
		require.NoError(t, os.WriteFile(config, []byte(text), 0o600))
		r := do(t, sightlog, "run", "--config", config, "--source", "hall=test://people?frames=1", "--data", dataDir(t))
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, says)
		require.Equal(t, 1, strings.Count(strings.TrimSpace(r.stderr), "\n")+1, fmt.Sprintf("one line: %s", r.stderr))
	}
}
