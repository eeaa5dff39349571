package e2e_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// door is a camera that misses and invents crossings: it processes few frames, and people walk along
// its line.
const door = `
cameras:
  door:
    fps: 1
    lines:
      gate: [[0.1, 0.9], [0.9, 0.3]]
`

// passage is a crossing, of the truth or counted.
type passage struct {
	at        float64 // seconds from the beginning
	direction string
	x, y      float64 // feet, pixels
	height    float64 // of the box
	matched   bool
}

// near reports whether two passages may be one: of the same place and time.
func (p *passage) near(q *passage) bool {
	return !q.matched && math.Abs(p.at-q.at) <= 2 && math.Hypot(p.x-q.x, p.y-q.y) <= max(p.height, q.height)
}

// trueCrossings returns the crossings of the line by people of a ground truth at 10 frames a second.
func trueCrossings(t *testing.T, line zone.Line) (all []*passage) {
	t.Helper()
	tracks, err := eval.ReadMOT("truth", testenv.Data(t, "video/vtest.gt.txt"), true)
	require.NoError(t, err)
	crossings := zone.NewCrossings([]zone.Line{line})
	for i, boxes := range tracks {
		var objects []event.Object
		at := make(map[int64]eval.TrackBox)
		for _, b := range boxes {
			at[b.ID] = b
			low := float32(b.Top + b.Height) // a low box has a small hysteresis: whoever goes over the line crosses it
			objects = append(objects, event.Object{TrackID: &b.ID, Box: event.Box{float32(b.Left), low - 12, float32(b.Left + b.Width), low}})
		}
		s := event.Sighting{Objects: objects, Frame: event.Size{Width: 768, Height: 576}, PTS: int64(i) * 100_000}
		for _, x := range crossings.Events(&s) {
			b := at[x.TrackID]
			all = append(all, &passage{at: float64(i) / 10, direction: x.Direction, x: b.Left + b.Width/2, y: b.Top + b.Height, height: b.Height})
		}
	}
	return all
}

// answerByTruth returns the answers of a user who sees the truth, to the items of an audit.
func answerByTruth(t *testing.T, dir string, id int, truth []*passage) *audit.File {
	t.Helper()
	from := []string{"--data", dir}
	// Every counted crossing takes the true one that it is, whether it was drawn or not.
	type counted struct {
		passage
		verdict string
	}
	crossings := make(map[string]*counted)
	for _, p := range truth {
		p.matched = false
	}
	all := rows(t, from, `SELECT x.seq, x.track_id, x.direction, d.x1, d.x2, d.y1, d.y2, extract(epoch FROM d.captured_at - s.began) AS at
		FROM crossings x, (SELECT min(captured_at - pts_us * interval '1 us') AS began FROM sightings) s,
		LATERAL (SELECT * FROM detections d WHERE d.track_id = x.track_id AND d.seq <= x.seq ORDER BY d.seq DESC LIMIT 1) d ORDER BY 1, 2`)
	require.Greater(t, len(all), 10)
	f := func(v any) float64 { return v.(float64) }
	for _, direction := range []bool{true, false} { // first those of the same direction
		for _, r := range all {
			key := fmt.Sprint(r["seq"], " ", r["track_id"])
			if crossings[key] == nil {
				crossings[key] = &counted{passage{f(r["at"]), r["direction"].(string), (f(r["x1"]) + f(r["x2"])) / 2, f(r["y2"]), f(r["y2"]) - f(r["y1"]), false}, audit.Wrong}
			}
			c := crossings[key]
			for _, p := range truth {
				if c.verdict == audit.Wrong && (p.direction == c.direction) == direction && c.near(p) {
					p.matched = true
					c.verdict = map[bool]string{true: audit.Right, false: audit.Reversed}[direction]
				}
			}
		}
	}
	file := &audit.File{Audit: int32(id)}
	for _, r := range rows(t, from, fmt.Sprintf(`SELECT i.item, i.kind, i.seq, i.track_id, a.drawn_at,
			extract(epoch FROM i.from_at - s.began) AS at, extract(epoch FROM i.until_at - s.began) AS until
		FROM audit_answers i JOIN audits a ON a.id = i.audit_id, (SELECT min(captured_at - pts_us * interval '1 us') AS began FROM sightings) s
		WHERE audit_id = %d ORDER BY 1`, id)) {
		var err error
		file.DrawnAt, err = time.Parse(time.RFC3339Nano, r["drawn_at"].(string))
		require.NoError(t, err)
		a := audit.FileAnswer{Item: int(f(r["item"]))}
		if r["kind"] != "stretch" {
			a.Answer = crossings[fmt.Sprint(r["seq"], " ", r["track_id"])].verdict
		} else {
			a.Answer = audit.Missed
			for _, p := range truth {
				switch {
				case p.matched || p.at < f(r["at"]) || p.at >= f(r["until"]):
				case p.direction == event.In:
					a.In++
				default:
					a.Out++
				}
			}
		}
		file.Answers = append(file.Answers, a)
	}
	return file
}

// TestAudit_ClipWithTruth_IntervalHoldsIt lets a user who sees the truth answer: all of the clip, and
// samples of it.
func TestAudit_ClipWithTruth_IntervalHoldsIt(t *testing.T) {
	t.Parallel()
	dir, files := dataDir(t), t.TempDir()
	config, clip := filepath.Join(files, "c.yaml"), testenv.Data(t, "video/vtest.avi")
	require.NoError(t, os.WriteFile(config, []byte(door), 0o600))
	ok(t, sightlog, "run", "--config", config, "--source", "door="+clip, "--data", dir, "--pace", "fast")
	serve := start(t, sightlogd, "serve", "--data", dir) // so that each command finds a database
	endpoints(t, dir, serve)
	truth := trueCrossings(t, zone.Line{Name: "gate", A: zone.Point{X: .1, Y: .9}, B: zone.Point{X: .9, Y: .3}})
	actual := make(map[string]float64)
	for _, p := range truth {
		actual[p.direction]++
	}
	for i, n := range []int{1000, 24} {
		page := filepath.Join(files, fmt.Sprintf("%d.html", i))
		out := ok(t, sightlog, "audit", "--data", dir, "--camera", "door", "--clip", clip, "--n", fmt.Sprint(n), "--seed", "3", "--out", page)
		require.Contains(t, out, fmt.Sprintf("audit %d of line gate", i+1))
		file := answerByTruth(t, dir, i+1, truth)
		b, err := json.Marshal(file)
		require.NoError(t, err)
		saved := filepath.Join(files, fmt.Sprintf("%d.json", i))
		require.NoError(t, os.WriteFile(saved, b, 0o600))
		text := ok(t, sightlog, "audit", "--data", dir, "--answers", saved)
		t.Log(text)
		require.Regexp(t, `(?m)^in \d+.* %`, text)
		for _, r := range rows(t, []string{"--data", dir}, fmt.Sprintf("SELECT * FROM v_audits WHERE audit = %d", i+1)) {
			true_ := actual[r["direction"].(string)]
			require.LessOrEqual(t, r["actual_low"], true_+1e-6, "audit %d: %v", i+1, r)
			require.GreaterOrEqual(t, r["actual_high"], true_-1e-6, "audit %d: %v", i+1, r)
			if n == 1000 {
				require.InDelta(t, true_, r["actual"], 1e-6, "all was checked, and no true crossing was far from all detections")
			}
		}
	}
	require.NotEqual(t, actual, map[string]float64{}, "people cross the line")
	shown := ok(t, sightlog, "query", "audits", "--data", dir, "--line", "gate", "--format", "csv")
	require.Len(t, regexp.MustCompile(`(?m)^\d,door,gate,.*,(in|out),`).FindAllString(shown, -1), 4, shown)
	require.Equal(t, "{0.1,0.9,0.9,0.3}", strings.ReplaceAll(fmt.Sprint(rows(t, []string{"--data", dir}, "SELECT DISTINCT points::text AS p FROM v_audits")[0]["p"]), " ", ""))
}

// TestAudit_PicturesOfALiveCamera_IntervalHoldsTheTruth audits what a camera has that cannot be read again: pictures of
// crossings, and of stretches. They are those of a clip with truth, of all stretches and of some.
func TestAudit_PicturesOfALiveCamera_IntervalHoldsTheTruth(t *testing.T) {
	t.Parallel()
	dir, files := dataDir(t), t.TempDir()
	from := []string{"--data", dir}
	config, clip := filepath.Join(files, "c.yaml"), testenv.Data(t, "video/vtest.avi")
	require.NoError(t, os.WriteFile(config, []byte(door), 0o600))
	args := []string{"run", "--config", config, "--source", "door=" + clip, "--data", dir, "--pace", "fast"}
	refused := do(t, sightlog, append(args, "--snapshot-stretches", "100")...)
	require.Equal(t, 2, refused.code)
	require.Contains(t, refused.stderr, "--snapshot-stretches 100: pictures are not switched on; add --snapshots on")
	out := do(t, sightlog, append(args, "--snapshots", "on", "--snapshot-stretches", "8640")...)
	require.Zero(t, out.code, out.stderr)
	require.NotContains(t, out.stderr, "dropped")
	require.Equal(t, 8640, number(t, from, "SELECT stretches FROM runs"))
	require.Equal(t, 8, number(t, from, "SELECT count(DISTINCT crossing_seq) FROM snapshots WHERE track_id = 0"), "somebody is always there")
	require.Equal(t, 80, number(t, from, "SELECT count(*) FROM snapshots WHERE track_id = 0"), "one of each frame")
	require.Zero(t, number(t, from, "SELECT count(*) FROM snapshots WHERE track_id = 0 AND greatest(width, height) > 640"))
	serve := start(t, sightlogd, "serve", "--data", dir)
	endpoints(t, dir, serve)
	require.Contains(t, ok(t, sightlogd, "snapshots", "list", "--data", dir, "--limit", "1000", "--format", "csv"), ",stretch,")

	truth := trueCrossings(t, zone.Line{Name: "gate", A: zone.Point{X: .1, Y: .9}, B: zone.Point{X: .9, Y: .3}})
	audited := func(id int, args ...string) (text string, found []map[string]any) {
		page := filepath.Join(files, fmt.Sprintf("%d.html", id))
		out := ok(t, sightlog, append([]string{"audit", "--data", dir, "--camera", "door", "--snapshots", "--seed", "3", "--out", page}, args...)...)
		require.Contains(t, out, fmt.Sprintf("audit %d of line gate", id))
		b, err := json.Marshal(answerByTruth(t, dir, id, truth))
		require.NoError(t, err)
		saved := filepath.Join(files, fmt.Sprintf("%d.json", id))
		require.NoError(t, os.WriteFile(saved, b, 0o600))
		text = ok(t, sightlog, "audit", "--data", dir, "--answers", saved)
		t.Log(text)
		return text, rows(t, from, fmt.Sprintf("SELECT * FROM v_audits WHERE audit = %d", id))
	}
	text, found := audited(1, "--n", "1000")
	require.Regexp(t, `(?m)^in .*recall \d+`, text)
	// Those that the end of the run completed have no pictures, and are not audited: neither are they missed.
	actual := make(map[string]float64)
	unasked := number(t, from, "SELECT count(*) FROM crossings x WHERE NOT EXISTS (SELECT FROM snapshots s WHERE s.track_id = x.track_id AND s.crossing_seq = x.seq)")
	for _, p := range truth {
		actual[p.direction]++
	}
	for _, r := range found {
		require.InDelta(t, actual[r["direction"].(string)], r["actual"], float64(unasked)+1e-6, "all was checked")
	}
	require.LessOrEqual(t, unasked, 2)

	_, found = audited(2, "--n", "24")
	for _, r := range found {
		true_ := actual[r["direction"].(string)]
		require.LessOrEqual(t, r["actual_low"], true_+1e-6, "%v", r)
		require.GreaterOrEqual(t, r["actual_high"], true_-float64(unasked)-1e-6, "%v", r)
	}
}

func TestAudit_InvalidRequests_OneLineAndNoAudit(t *testing.T) {
	t.Parallel()
	dir, files := dataDir(t), t.TempDir()
	config, source := filepath.Join(files, "c.yaml"), filepath.Join(files, "hall.avi")
	require.NoError(t, os.WriteFile(config, []byte(hall), 0o600))
	pattern := "test://people?frames=160&fps=10"
	ok(t, sightlog, "run", "--config", config, "--source", "hall="+pattern, "--data", dir, "--pace", "fast")
	serve := start(t, sightlogd, "serve", "--data", dir)
	endpoints(t, dir, serve)
	require.NoError(t, os.WriteFile(filepath.Join(files, "other.json"), []byte(`{"audit":5,"drawn_at":"2026-05-01T12:00:00Z","answers":[]}`), 0o600))
	for says, args := range map[string][]string{
		"--camera is missing; name the camera, or give --answers FILE":                             {},
		"--camera hal is not in the database":                                                      {"--camera", "hal"},
		`camera hall has no line "gate" in that time; it has middle`:                               {"--camera", "hall", "--line", "gate"},
		"camera hall has no line in that time; give another --since":                               {"--camera", "hall", "--until", "2001-01-01"},
		"--n 9; give 10 or more":                                                                   {"--camera", "hall", "--n", "9"},
		"--seed -1; give 1 or more":                                                                {"--camera", "hall", "--seed=-1"},
		"--clip " + source + ": not read by the camera in that time":                               {"--camera", "hall", "--clip", source},
		"its content is another; give the file of the run: test://":                                {"--camera", "hall", "--clip", "test://people?frames=161&fps=10"},
		"--out " + config + " exists; give another name":                                           {"--camera", "hall", "--out", config},
		"--out " + files + "/none/x.html: no such file":                                            {"--camera", "hall", "--out", files + "/none/x.html"},
		"--answers " + files + "/none.json: no such file":                                          {"--answers", files + "/none.json"},
		"c.yaml: invalid character":                                                                {"--answers", config},
		"other.json: it is of audit 5 drawn at 2026-05-01T12:00:00Z, which is not in the database": {"--answers", files + "/other.json"},
	} {
		r := do(t, sightlog, append([]string{"audit", "--data", dir}, args...)...)
		require.Equal(t, 2, r.code, "%v %s", args, r.stderr)
		require.Contains(t, r.stderr, says)
		lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
		require.Contains(t, lines[len(lines)-1], says)
		require.LessOrEqual(t, len(lines), 2, "at most a line of progress before: %s", r.stderr)
	}
	require.Zero(t, number(t, []string{"--data", dir}, "SELECT count(*) FROM audits"))
	left, err := os.ReadDir(files)
	require.NoError(t, err)
	require.Len(t, left, 2, "no page is left behind")

	// The source of the run itself is found without --clip.
	page := filepath.Join(files, "page.html")
	require.Contains(t, ok(t, sightlog, "audit", "--data", dir, "--camera", "hall", "--out", page, "--seed", "8"), "; seed 8\n")
	require.FileExists(t, page)
}
