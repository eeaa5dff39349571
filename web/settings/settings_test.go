package settings_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/web/settings"
)

const file = `# how we count
model: auto
cameras:
  door: # by the mat
    fps: 5   # enough
    zones:
      # people wait here
      mat: [[0.4, 0.6], [0.6, 0.6], [0.6, 0.9], [0.4, 0.9]]
    loitering: {mat: 2m}
  yard: {motion: true}
# the end
`

// site serves the routes.
type site struct {
	*httptest.Server
	t      *testing.T
	path   string // of the file
	config *settings.Config

	mu   sync.Mutex
	used map[string]config.CameraSettings
}

func newSite(t *testing.T, pool *pgxpool.Pool, text string) *site {
	t.Helper()
	s := &site{t: t, path: filepath.Join(t.TempDir(), "sightlog.yaml"), used: map[string]config.CameraSettings{}}
	require.NoError(t, os.WriteFile(s.path, []byte(text), 0o640))
	f, err := config.Load(s.path)
	require.NoError(t, err)
	maps.Copy(s.used, f.Cameras())
	s.config = &settings.Config{
		File: s.path, Tracked: true, Pool: pool, Log: slog.New(slog.DiscardHandler),
		Sources: func() []string { return []string{"door", "yard", "gate"} },
		InUse: func() map[string]config.CameraSettings {
			s.mu.Lock()
			defer s.mu.Unlock()
			all := map[string]config.CameraSettings{}
			maps.Copy(all, s.used)
			return all
		},
		Change: func(camera string, shapes config.Shapes, names config.Renames) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.used[camera] = s.used[camera].Renamed(names).With(shapes)
		},
	}
	mux := http.NewServeMux()
	for _, r := range s.config.Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// ask sends a request and returns status, entity tag and body.
func (s *site) ask(method, path, body, match string) (status int, tag, answer string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+"/api/v1/cameras/"+path, strings.NewReader(body))
	require.NoError(s.t, err)
	if match != "" {
		r.Header.Set("If-Match", match)
	}
	got, err := http.DefaultClient.Do(r)
	require.NoError(s.t, err)
	defer got.Body.Close()
	b, err := io.ReadAll(got.Body)
	require.NoError(s.t, err)
	return got.StatusCode, got.Header.Get("ETag"), string(b)
}

func (s *site) text() string {
	s.t.Helper()
	b, err := os.ReadFile(s.path)
	require.NoError(s.t, err)
	return string(b)
}

func TestRoutes_ShapesSaved_FileKeepsTheRestAndTheyAreUsed(t *testing.T) {
	t.Parallel()
	s := newSite(t, pgtest.Open(t), file)
	status, tag, body := s.ask("GET", "door/shapes", "", "")
	require.Equal(t, 200, status, body)
	var got settings.Shapes
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.True(t, got.Writable)
	require.True(t, got.InUse)
	require.Len(t, got.Zones["mat"], 4)

	change := `{"zones": {"mat": [[0.4, 0.6], [0.6, 0.6], [0.6, 0.95], [0.4, 0.9]]}, "lines": {"step": [[0, 0.5], [1, 0.5]]}, "masks": [], "region": null}`
	status, _, body = s.ask("POST", "door/shapes/diff", change, "")
	require.Equal(t, 200, status, body)
	require.JSONEq(t, `{"lines": [
		{"line": 8, "op": "-", "text": "      mat: [[0.4, 0.6], [0.6, 0.6], [0.6, 0.9], [0.4, 0.9]]"},
		{"line": 8, "op": "+", "text": "      mat: [[0.4, 0.6], [0.6, 0.6], [0.6, 0.95], [0.4, 0.9]]"},
		{"line": 10, "op": "+", "text": "    lines:"}, {"line": 11, "op": "+", "text": "      step: [[0, 0.5], [1, 0.5]]"}]}`, body)
	require.Equal(t, file, s.text(), "a diff writes nothing")

	status, newTag, body := s.ask("PUT", "door/shapes", change, tag)
	require.Equal(t, 200, status, body)
	require.NotEqual(t, tag, newTag)
	want := strings.Replace(strings.Replace(file, "[0.6, 0.9]", "[0.6, 0.95]", 1), "{mat: 2m}\n", "{mat: 2m}\n    lines:\n      step: [[0, 0.5], [1, 0.5]]\n", 1)
	require.Equal(t, want, s.text())
	require.Len(t, s.config.InUse()["door"].Lines, 1)
	require.EqualValues(t, 5, s.config.InUse()["door"].FPS, "the other settings stay")
	fi, err := os.Stat(s.path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), fi.Mode().Perm())

	status, _, body = s.ask("PUT", "door/shapes", change, tag) // of before
	require.Equal(t, 412, status, body)
	status, _, body = s.ask("PUT", "gate/shapes", change, `"x"`)
	require.Equal(t, 412, status, body)
}

func TestRoutes_RequestsThatAreWrong_RightStatusAndNothingWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t, pgtest.Open(t), file)
	_, tag, _ := s.ask("GET", "door/shapes", "", "")
	points := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("[0.1,0.2],", n), ",") + "]" }
	for name, c := range map[string]struct {
		path, body, match string
		status            int
		says              string
	}{
		"no tag":            {"door", `{}`, "", 428, "If-Match"},
		"unknown camera":    {"dor", `{}`, tag, 404, "no camera"},
		"traversal":         {"..%2f..%2fetc%2fpasswd", `{}`, tag, 404, "no camera"},
		"NUL":               {"door%00", `{}`, tag, 404, "no camera"},
		"not JSON":          {"door", `{"zones": NaN}`, tag, 400, "not JSON"},
		"infinite":          {"door", `{"zones": {"a": [[1e999, 0], [1, 0], [1, 1]]}}`, tag, 400, "not JSON"},
		"more than shapes":  {"door", `{"fps": 5}`, tag, 400, "unknown field"},
		"two values":        {"door", `{} {}`, tag, 400, "not JSON"},
		"outside":           {"door", `{"zones": {"mat": [[0, 0], [1, 0], [1, 1.5]]}}`, tag, 422, "outside the frame"},
		"crosses itself":    {"door", `{"zones": {"mat": [[0, 0], [1, 1], [1, 0], [0, 1]]}}`, tag, 422, "crosses itself"},
		"line of three":     {"door", `{"zones": {"mat": [[0, 0], [1, 0], [1, 1]]}, "lines": {"a": [[0, 0], [1, 1], [1, 0]]}}`, tag, 422, "has 3 points"},
		"zone in use gone":  {"door", `{"zones": {"rug": [[0, 0], [1, 0], [1, 1]]}}`, tag, 422, `there is no zone "mat"`},
		"region wrong":      {"door", `{"zones": {"mat": [[0, 0], [1, 0], [1, 1]]}, "region": [0.5, 0, 0.2, 1]}`, tag, 422, "region: give [left, top"},
		"name too long":     {"door", `{"zones": {"mat": [[0, 0], [1, 0], [1, 1]], "` + strings.Repeat("a", 65) + `": [[0, 0], [1, 0], [1, 1]]}}`, tag, 422, "longer than 64"},
		"name of two lines": {"door", `{"zones": {"mat": [[0, 0], [1, 0], [1, 1]], "a\nb: 5": [[0, 0], [1, 0], [1, 1]]}}`, tag, 422, "on one line"},
		"many points":       {"door", `{"zones": {"mat": [[0, 0], [1, 0], [1, 1]]}, "masks": [` + points(2000) + `]}`, tag, 422, "more than 1000"},
		"a million points":  {"door", `{"masks": [` + points(1_000_000) + `]}`, tag, 413, "larger than 1 MiB"},
		"many polygons":     {"door", `{"masks": [` + strings.TrimSuffix(strings.Repeat(points(900)+",", 20), ",") + `]}`, tag, 413, "18000 points"},
	} {
		status, _, body := s.ask("PUT", c.path+"/shapes", c.body, c.match)
		require.Equal(t, c.status, status, "%s: %.300s", name, body)
		require.Contains(t, strings.ReplaceAll(body, `\"`, `"`), c.says, name)
	}
	require.Equal(t, file, s.text())
}

// Of many who change the same version one is first, and the others are told.
func TestRoutes_ConcurrentChanges_OneWins(t *testing.T) {
	t.Parallel()
	s := newSite(t, pgtest.Open(t), file)
	_, tag, _ := s.ask("GET", "gate/shapes", "", "")
	var wg sync.WaitGroup
	statuses := make([]int, 16)
	for i := range statuses {
		wg.Go(func() {
			statuses[i], _, _ = s.ask("PUT", "gate/shapes", fmt.Sprintf(`{"lines": {"l%d": [[0, 0], [1, 1]]}}`, i), tag)
		})
	}
	wg.Wait()
	won := -1
	for i, status := range statuses {
		if status == 200 {
			require.Equal(t, -1, won)
			won = i
			continue
		}
		require.Equal(t, 412, status)
	}
	require.Contains(t, s.text(), fmt.Sprintf("    lines:\n      l%d: [[0, 0], [1, 1]]\n", won))
}

func TestRoutes_FileThatCannotBeWritten_SaysWhatToDo(t *testing.T) {
	t.Parallel()
	s := newSite(t, pgtest.Open(t), file)
	change := `{"lines": {"l": [[0, 0], [1, 1]]}}`
	_, tag, _ := s.ask("GET", "gate/shapes", "", "")
	require.NoError(t, os.Chmod(s.path, 0o440))
	status, _, body := s.ask("PUT", "gate/shapes", change, tag)
	require.Equal(t, 409, status, body)
	require.Contains(t, body, "let the user that sightlog runs as write the file")

	require.NoError(t, os.Remove(s.path))
	status, _, body = s.ask("PUT", "gate/shapes", change, tag)
	require.Equal(t, 409, status, body)
	require.Contains(t, body, "the configuration file is gone")

	s.config.File = ""
	_, tag, body = s.ask("GET", "gate/shapes", "", "")
	require.Contains(t, body, `"writable":false`)
	status, _, body = s.ask("PUT", "gate/shapes", change, tag)
	require.Equal(t, 409, status, body)
	require.Contains(t, body, "start with --config sightlog.yaml")
	status, _, body = s.ask("POST", "gate/shapes/diff", change, "")
	require.Equal(t, 200, status, body)
	require.Contains(t, body, "cameras:")
}

// The preview counts as a run does: a person walks through the picture, across a line.
func TestRoutes_Preview_CountsStoredDetections(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('door')",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, started_at)
		 SELECT id, 'r', 'stream', 'm', '', 1, 1, '', now() FROM cameras`,
		"INSERT INTO classes (run_id, class_id, label) SELECT id, 0, 'person' FROM runs",
		`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, width, height, grabbed_at, batch_id, dropped_before, people, objects, class_ids, boxes)
		 SELECT '2026-05-01 12:00Z'::timestamptz + n * interval '100 ms', c.id, r.id, n, n * 100000, 1000, 1000, now(), 0, 0, 0, 0, '{}', '{}'
		 FROM cameras c, runs r, generate_series(0, 90) n`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	pgtest.AddDetections(t, pool, `SELECT s.captured_at, s.camera_id, s.run_id, s.seq, 1, 0, 0, 0.9, s.seq * 10, 400, s.seq * 10 + 50, 500, NULL::text[] FROM sightings s`)
	s := newSite(t, pool, file)
	status, _, body := s.ask("POST", "door/shapes/preview", `{
		"zones": {"mat": [[0.2, 0.2], [0.4, 0.2], [0.4, 0.8], [0.2, 0.8]]},
		"lines": {"middle": [[0.5, 1], [0.5, 0]]}, "masks": [[[0.8, 0], [1, 0], [1, 1], [0.8, 1]]], "region": [0.05, 0, 1, 1]}`, "")
	require.Equal(t, 200, status, body)
	var got pipeline.Trial
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	require.EqualValues(t, 91, got.Frames)
	require.EqualValues(t, 91, got.Detections)
	require.EqualValues(t, 13, got.Masked, "feet from 0.8 on")
	require.EqualValues(t, 3, got.Outside, "middles below 0.05")
	require.Equal(t, []pipeline.TrialZone{{Name: "mat", Visits: 1, Most: 1}}, got.Zones)
	require.Equal(t, []pipeline.TrialLine{{Name: "middle", In: 1}}, got.Lines)
	require.Equal(t, file, s.text())
}
