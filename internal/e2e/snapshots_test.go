package e2e_test

import (
	"bytes"
	"encoding/hex"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// gate is a camera with a line in the middle.
const gate = `
cameras:
  yard:
    lines:
      gate: [[0.5, 0], [0.5, 1]]
`

// gateFile writes gate into a file.
func gateFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gate.yaml")
	require.NoError(t, os.WriteFile(path, []byte(gate), 0o600))
	return path
}

// A run with pictures: one of each track, three of each crossing, none without the switch; the pictures of a person
// can be deleted, and a replay does not bring them back.
func TestSnapshots_Run_OneATrackAndThreeACrossing(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	from := []string{"--data", dir}
	args := []string{"run", "--data", dir, "--config", gateFile(t), "--source", "yard=test://people?frames=160&fps=10", "--pace", "fast"}
	ok(t, sightlog, args...)
	require.Zero(t, number(t, from, "select count(*) from snapshots"), "they are off by default")
	out := do(t, sightlog, append(args, "--snapshots", "on")...)
	require.Zero(t, out.code, out.stderr)
	require.NotContains(t, out.stderr, "dropped")

	const newest = "(select max(id) from runs)"
	tracks := number(t, from, "select count(*) from tracks where run_id = "+newest)
	crossings := number(t, from, "select count(distinct (run_id, track_id, seq)) from crossings where run_id = "+newest)
	require.Greater(t, tracks, 2)
	require.Greater(t, crossings, 2)
	require.Equal(t, tracks, number(t, from, "select count(*) from snapshots join tracks using (run_id, track_id) where crossing_seq = -1"))
	require.Equal(t, tracks, number(t, from, "select count(*) from snapshots where crossing_seq = -1"))
	at := number(t, from, "select count(distinct (track_id, crossing_seq)) from snapshots where crossing_seq >= 0")
	require.GreaterOrEqual(t, at, crossings-1, "of all but one that the end of the run completes")
	require.Equal(t, 3*at, number(t, from, "select count(*) from snapshots where crossing_seq >= 0"))
	for _, r := range rows(t, from, "select encode(jpeg, 'hex') as jpeg, height, bytes from snapshots") {
		b, err := hex.DecodeString(r["jpeg"].(string))
		require.NoError(t, err)
		picture, err := jpeg.Decode(bytes.NewReader(b))
		require.NoError(t, err)
		require.EqualValues(t, r["height"], picture.Bounds().Dy())
		require.EqualValues(t, r["bytes"], len(b))
		require.LessOrEqual(t, picture.Bounds().Dy(), 320)
	}

	p := start(t, sightlogd, "serve", "--data", dir)
	endpoints(t, dir, p)
	person := rows(t, from, "select run, track_id from snapshots join runs on runs.id = run_id limit 1")[0]
	run, track := person["run"].(string), number(t, from, "select min(track_id) from snapshots")
	site := regexp.MustCompile(`web=(http://\S+)`).FindStringSubmatch(p.output.String())
	require.NotNil(t, site, p.output)
	for path, want := range map[string]int{"/" + strconv.Itoa(track): http.StatusOK, "/999999": http.StatusNotFound} {
		r, err := http.Get(strings.TrimRight(site[1], "/") + "/api/v1/snapshots/" + run + path)
		require.NoError(t, err)
		require.NoError(t, r.Body.Close())
		require.Equal(t, want, r.StatusCode, path)
	}
	listed := ok(t, sightlogd, "snapshots", "list", "--data", dir, "--run", run, "--format", "csv")
	require.Equal(t, 1+tracks+3*at, strings.Count(listed, "\n"))
	require.Equal(t, 2, do(t, sightlogd, "snapshots", "delete", "--data", dir).code, "of nobody in particular")
	require.Contains(t, ok(t, sightlogd, "snapshots", "delete", "--data", dir, "--run", run, "--track", strconv.Itoa(track)), "deleted")
	left := number(t, from, "select count(*) from snapshots")
	require.Less(t, left, tracks+3*at)
	require.Zero(t, number(t, from, "select count(*) from snapshots where track_id = "+strconv.Itoa(track)))

	ok(t, sightlogd, "replay", "--data", dir)
	require.Equal(t, left, number(t, from, "select count(*) from snapshots"), "the tables built again have the same pictures")
	require.Zero(t, number(t, from, "select count(*) from snapshots where track_id = "+strconv.Itoa(track)))
}

// A run that is killed in the middle and resumed: sightings are exact, no track has two pictures, and each
// picture is of a run and track that the tables know.
// Pictures that were taken before privacy was switched on are shown no more, and again when it is switched off.
func TestSnapshots_PrivacySwitchedOn_EarlierPicturesNotShown(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	from := []string{"--data", dir}
	shown := func(privacy string) (now, before int) {
		t.Helper()
		ok(t, sightlog, "run", "--data", dir, "--source", "yard=test://people?frames=60&fps=10", "--pace", "fast", "--snapshots", "on", "--privacy", privacy)
		const newest = "(select max(id) from runs)"
		require.Positive(t, number(t, from, "select count(*) from snapshots where run_id = "+newest+" and privacy = '"+privacy+"'"))
		return number(t, from, "select count(*) from v_snapshots where run_id = "+newest), number(t, from, "select count(*) from v_snapshots where run_id < "+newest)
	}
	first, _ := shown("off")
	require.Positive(t, first)
	faces, before := shown("faces")
	require.Positive(t, faces)
	require.Zero(t, before)
	people, before := shown("people")
	require.Positive(t, people)
	require.Zero(t, before)
	_, before = shown("faces")
	require.Equal(t, faces+people, before, "those that hide as much or more")
	_, before = shown("off")
	require.Equal(t, first+2*faces+people, before)
}

func TestSnapshots_KilledAndResumed_SightingsExactAndNoDoubles(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	from := []string{"--data", dir}
	args := []string{"run", "--data", dir, "--config", gateFile(t), "--source", "yard=test://people?frames=300&fps=10", "--pace", "fast", "--snapshots", "on"}
	p := start(t, sightlog, args...)
	endpoints(t, dir, p)
	limit := time.After(time.Minute)
	for number(t, from, "select count(*) from snapshots") == 0 {
		select {
		case <-limit:
			require.FailNow(t, "no picture within a minute", p.output.String())
		default:
		}
	}
	p.kill()
	ok(t, sightlog, args...)
	require.Equal(t, 300, number(t, from, "select count(*) from sightings"))
	require.Equal(t, 300, number(t, from, "select count(distinct seq) from sightings"))
	require.Zero(t, number(t, from, "select count(*) from snapshots left join tracks using (run_id, track_id) where tracks.track_id is null"))
	require.Equal(t, 1, number(t, from, "select count(distinct run_id) from snapshots"))
	require.Positive(t, number(t, from, "select count(*) from snapshots where crossing_seq = -1"))
}
