package pictures_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/pictures"
)

// site serves the routes on a database with pictures of two cameras.
type site struct {
	testing.TB
	mux  *http.ServeMux
	pool *pgxpool.Pool
}

func newSite(t testing.TB) *site {
	t.Helper()
	s := &site{TB: t, mux: http.NewServeMux(), pool: pgtest.Open(t)}
	for _, r := range pictures.Routes(answer.NewDatabase(s.pool, 2, time.Minute)) {
		s.mux.Handle(r.Pattern, r.Handler)
	}
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('door'), ('yard')",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider)
			SELECT id, 'run-' || name, 'stream', 'm', 's', 1, 1, 'cpu' FROM cameras`,
		`INSERT INTO snapshots (run_id, track_id, crossing_seq, step, camera_id, captured_at, seq, score, quality, box, region,
			frame_width, frame_height, width, height, bytes, jpeg)
			SELECT r.id, track, x.seq, x.step, camera_id, timestamptz '2026-11-25 10:00Z' + track / 3 * interval '1 min', 5, 0.5, 1, '{1,2,3,4}', '{0,0,9,9}',
			640, 480, 9, 9, 3, convert_to(concat_ws(' ', 'jpeg', run, track, x.seq, x.step), 'UTF8')
			FROM runs r, generate_series(1, 10) track, (VALUES (-1, 0), (7, -1), (7, 0), (7, 1)) x(seq, step)`,
		// Pictures of stretches are for audits alone.
		`INSERT INTO snapshots SELECT run_id, 0, 3, 4, camera_id, captured_at + interval '1 h', 5, 0, 1, box, region,
			640, 480, 9, 9, 3, jpeg FROM snapshots WHERE track_id = 1 AND crossing_seq = -1`,
	} {
		_, err := s.pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	return s
}

func (s *site) get(path string, header ...string) *httptest.ResponseRecorder {
	s.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	return w
}

func TestPicture_BestAndCrossing_JPEGWithETag(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, want := range map[string]string{
		"/api/v1/snapshots/run-door/3":                    "jpeg run-door 3 -1 0",
		"/api/v1/snapshots/run-yard/3?crossing=7":         "jpeg run-yard 3 7 0",
		"/api/v1/snapshots/run-yard/3?crossing=7&step=-1": "jpeg run-yard 3 7 -1",
	} {
		w := s.get(path)
		require.Equal(t, http.StatusOK, w.Code, path)
		require.Equal(t, want, w.Body.String())
		require.Equal(t, "image/jpeg", w.Header().Get("Content-Type"))
		require.Equal(t, "private, no-cache", w.Header().Get("Cache-Control"))
		require.Equal(t, http.StatusNotModified, s.get(path, "If-None-Match", w.Header().Get("ETag")).Code)
	}
}

func TestPicture_ExpiredDeletedOrWrong_SaysSoInWords(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	_, err := s.pool.Exec(t.Context(), "DELETE FROM snapshots WHERE track_id = 3")
	require.NoError(t, err)
	for path, want := range map[string]int{
		"/api/v1/snapshots/run-door/3":                           http.StatusNotFound,
		"/api/v1/snapshots/run-door/4?crossing=8":                http.StatusNotFound,
		"/api/v1/snapshots/no-run/1":                             http.StatusNotFound,
		"/api/v1/snapshots/run-door/4?step=1":                    http.StatusUnprocessableEntity,
		"/api/v1/snapshots/run-door/4?crossing=7&step=2":         http.StatusBadRequest,
		"/api/v1/snapshots/run-door/x":                           http.StatusBadRequest,
		"/api/v1/snapshots/run-door/99999999999999999999":        http.StatusBadRequest,
		"/api/v1/snapshots/run-door/4?sql=1":                     http.StatusBadRequest,
		"/api/v1/snapshots?camera=nowhere":                       http.StatusNotFound,
		"/api/v1/snapshots?of=people":                            http.StatusBadRequest,
		"/api/v1/snapshots?cursor=e30":                           http.StatusUnprocessableEntity,
		"/api/v1/snapshots/run-door%27%20OR%20true/4":            http.StatusNotFound,
		"/api/v1/snapshots?since=2026-11-25T10:00:00Z&limit=0":   http.StatusBadRequest,
		"/api/v1/snapshots?until=2026-11-25T10:00:00Z&since=now": http.StatusBadRequest,
	} {
		w := s.get(path)
		require.Equal(t, want, w.Code, "%s: %s", path, w.Body)
		require.Equal(t, "application/problem+json", w.Header().Get("Content-Type"))
	}
	require.Contains(t, s.get("/api/v1/snapshots/run-door/3").Body.String(), "it has expired")
}

// A list by pages has each picture once, also of those captured at one moment.
func TestList_Pages_EachPictureOnceNewestFirst(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for query, want := range map[string]int{
		"limit=7": 80, "limit=7&camera=door": 40, "limit=3&of=track": 20, "limit=3&of=crossing&camera=yard": 10, "limit=1000": 80,
		"limit=5&since=2026-11-25T10:01:00Z&until=2026-11-25T10:02:00Z": 24,
	} {
		seen := make(map[string]bool)
		last := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		for path := "/api/v1/snapshots?" + query; path != ""; {
			w := s.get(path)
			require.Equal(t, http.StatusOK, w.Code, "%s: %s", path, w.Body)
			var page []pictures.Picture
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &page))
			for _, p := range page {
				require.False(t, seen[p.URL], p.URL)
				require.False(t, p.CapturedAt.After(last))
				seen[p.URL], last = true, p.CapturedAt
			}
			path = ""
			if m := regexp.MustCompile(`<([^>]+)>`).FindStringSubmatch(w.Header().Get("Link")); m != nil {
				path = m[1]
			}
		}
		require.Len(t, seen, want, query)
		for at := range seen {
			require.Equal(t, http.StatusOK, s.get("/"+strings.TrimPrefix(at, "/")).Code, at)
		}
	}
}

// What hides less than the camera's newest run does is neither listed nor shown.
func TestPicture_TakenBeforePrivacy_NotShown(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, sql := range []string{
		"UPDATE snapshots SET privacy = 'people' WHERE track_id = 3", "UPDATE snapshots SET privacy = 'faces' WHERE track_id = 4",
		"UPDATE runs SET started_at = '2026-11-25'",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, started_at, privacy)
			SELECT id, 'new-' || name, 'stream', 'm', 's', 1, 1, 'cpu', '2026-11-26', CASE name WHEN 'door' THEN 'faces' ELSE 'people' END FROM cameras`,
	} {
		_, err := s.pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	for path, want := range map[string]int{
		"run-door/3": http.StatusOK, "run-door/4?crossing=7": http.StatusOK, "run-door/5": http.StatusNotFound,
		"run-yard/3": http.StatusOK, "run-yard/4?crossing=7": http.StatusNotFound, "run-yard/5": http.StatusNotFound,
	} {
		require.Equal(t, want, s.get("/api/v1/snapshots/"+path).Code, path)
	}
	require.Contains(t, s.get("/api/v1/snapshots/run-door/5").Body.String(), "privacy")
	var page []pictures.Picture
	require.NoError(t, json.Unmarshal(s.get("/api/v1/snapshots?of=track").Body.Bytes(), &page))
	require.Len(t, page, 3)
}
