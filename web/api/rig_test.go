package api_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/api"
	"github.com/sightlog/sightlog/web/problem"
	"github.com/sightlog/sightlog/web/route"
)

// rig is the API on a database with two cameras, in which every report but latency has rows.
type rig struct {
	url    string
	owner  *pgxpool.Pool // of the tables
	routes []route.Route
	doc    *document
}

// fill are the statements that make the rows: cameras porch and yard with a person in zone door
// in every second of three minutes, one track a minute, who crosses the line gate.
var fill = []string{
	"INSERT INTO cameras (name) VALUES ('porch'), ('yard')",
	`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, frame_width, frame_height, started_at)
	 SELECT id, name || '-1', CASE id WHEN 1 THEN 'stream' ELSE 'file' END, 'm', '', 1, 1, 'cpu', 100, 50, '2026-05-01 10:00Z' FROM cameras`,
	"INSERT INTO classes SELECT id, 0, 'person' FROM runs",
	`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
	 SELECT '2026-05-01 10:00Z'::timestamptz + n * interval '1 s', id, id, n, 0, 0, 0, 100, 50, 1, 1 FROM cameras, generate_series(0, 179) n`,
	`INSERT INTO audits (camera_id, line, points, since, until, runs, counted_in, counted_out, stretches, left_out, seed)
	 SELECT 1, 'gate', '{0,0,1,1}', now() - interval '1 h', now(), '{}', 0, 0, 0, 0, 1 FROM generate_series(1, 3)`,
	"INSERT INTO places (name, reset_at, tz, label) VALUES ('shop', '04:00', 'UTC', 'person')",
	"INSERT INTO place_lines VALUES (1, 'porch', 'gate', false)",
	`INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
	 SELECT '2026-05-01 10:00:30Z'::timestamptz + n * interval '1 min', 1, 1, 0, 'gate', n, 'in', 0, 'person' FROM generate_series(0, 2) n`,
}

func newRig(t *testing.T) *rig {
	t.Helper()
	url := pgtest.URL(t)
	r := &rig{owner: pgtest.Pool(t, url)}
	run(t, r.owner, fill...)
	pgtest.AddDetections(t, r.owner, `SELECT captured_at, camera_id, run_id, seq, extract(minute FROM captured_at)::integer, 0, 0, 0.9, 20, 0, 40, 40, '{door}'::text[] FROM sightings`)
	run(t, r.owner, "SELECT sightlog_rebuild()", "INSERT INTO cameras (name) VALUES ('attic'), ('attic10'), ('attic2')")
	db, err := postgres.Open(t.Context(), url, postgres.Options{ReadOnly: true})
	require.NoError(t, err)
	t.Cleanup(db.Close)
	r.serve(t, api.Config{DB: answer.NewDatabase(db, answer.AtOnce, answer.TimeLimit), Cameras: api.CamerasConfig{
		Settings: func() map[string]config.CameraSettings {
			return map[string]config.CameraSettings{
				"porch":  {Zones: map[string][]config.Point{"door": {{0, 0}, {1, 0}, {1, 1}}}, Region: []float64{0, 0, 1, 1}},
				"garden": {Lines: map[string][]config.Point{"gate": {{0, 0}, {1, 1}}}},
			}
		},
		States:  func() map[string]string { return map[string]string{"porch": "running", "yard": "opening"} },
		Privacy: func(camera string) string { return map[string]string{"porch": "faces"}[camera] },
	}})
	return r
}

// serve serves the routes, and reads their description.
func (r *rig) serve(t *testing.T, cfg api.Config) {
	t.Helper()
	var err error
	r.routes, err = api.Assemble(api.Routes(cfg), nil, "test", slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	mux := http.NewServeMux()
	for _, rt := range r.routes {
		mux.Handle(rt.Pattern, rt.Handler)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	r.url = s.URL
	r.doc = new(document)
	require.NoError(t, json.Unmarshal([]byte(r.get(t, "/api/v1/openapi.json").body), r.doc))
}

func run(t *testing.T, pool *pgxpool.Pool, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
}

// reply is a response with its body.
type reply struct {
	*http.Response
	body string
}

// get asks for a path, with headers by pairs, and checks that the response is one that the
// description has.
func (r *rig) get(t *testing.T, path string, header ...string) reply {
	t.Helper()
	return r.do(t, http.MethodGet, path, header...)
}

func (r *rig) do(t *testing.T, method, path string, header ...string) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, nil)
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	re := reply{resp, string(b)}
	if r.doc != nil && resp.Header.Get("Content-Encoding") == "" {
		r.doc.conforms(t, req, re)
	}
	return re
}

// problem returns the body of an error.
func (re reply) problem(t *testing.T) (p problem.Problem) {
	t.Helper()
	require.Equal(t, problem.ContentType, re.Header.Get("Content-Type"), re.body)
	require.NoError(t, json.Unmarshal([]byte(re.body), &p))
	require.Equal(t, re.StatusCode, p.Status)
	return p
}
