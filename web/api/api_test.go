package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/web/api"
	"github.com/sightlog/sightlog/web/route"
)

func TestAssemble_RouteWithoutDescription_Error(t *testing.T) {
	t.Parallel()
	h := http.NotFoundHandler()
	for want, r := range map[string]route.Route{
		"it has no description":              {Pattern: "GET /api/v1/x", Role: route.Reader, Handler: h},
		"no description of its answer":       {Pattern: "GET /api/v1/x", Role: route.Reader, Handler: h, Doc: &route.Doc{Summary: "X."}},
		"the path's name has no description": {Pattern: "GET /api/v1/x/{name}", Role: route.Reader, Handler: h, Doc: &route.Doc{Summary: "X.", Answers: []route.Answer{{Type: 1}}}},
	} {
		_, err := api.Assemble([]route.Route{r}, nil, "1", nil)
		require.ErrorContains(t, err, want)
	}
	_, err := api.Assemble([]route.Route{{Pattern: "GET /static/", Role: route.Public, Handler: h}}, nil, "1", nil)
	require.NoError(t, err, "the page's files have none")
}

// Every response of every report, in every form, is what the description says.
func TestReports_EveryForm_AsDescribed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var list []struct{ Name, Path string }
	require.NoError(t, json.Unmarshal([]byte(r.get(t, "/api/v1/reports").body), &list))
	require.Len(t, list, len(query.Reports))
	for _, report := range list {
		for _, q := range []string{"", "?bucket=1h", "?bucket=1d&tz=Asia/Kolkata", "?camera=porch", "?limit=1", "?since=2026-05-01T10:01:00Z"} {
			re := r.get(t, report.Path+q)
			if re.StatusCode == http.StatusBadRequest {
				require.Contains(t, re.problem(t).Detail, "is not known", "a flag that it does not take")
				continue
			}
			require.Equal(t, http.StatusOK, re.StatusCode, "%s%s: %s", report.Path, q, re.body)
			var rows []map[string]any
			require.NoError(t, json.Unmarshal([]byte(re.body), &rows))
			if report.Name != "latency" && report.Name != "gaps" && q == "" {
				require.NotEmpty(t, rows, report.Name)
			}
		}
		text := r.get(t, report.Path, "Accept", "text/csv")
		require.Equal(t, "text/csv", text.Header.Get("Content-Type"))
		require.Equal(t, `attachment; filename="`+report.Name+`.csv"`, text.Header.Get("Content-Disposition"))
		records, err := csv.NewReader(strings.NewReader(text.body)).ReadAll()
		require.NoError(t, err)
		file := r.get(t, report.Path+"?format=parquet")
		table, err := parquet.OpenFile(strings.NewReader(file.body), int64(len(file.body)))
		require.NoError(t, err)
		require.EqualValues(t, len(records)-1, table.NumRows(), report.Name)
	}
}

// The pages of a report, by their links, are the whole.
func TestReports_Pages_LinkToTheNext(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var whole, all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.get(t, "/api/v1/reports/visits").body), &whole))
	require.Len(t, whole, 6)
	path, pages := "/api/v1/reports/visits?limit=2", 0
	for ; path != ""; pages++ {
		re := r.get(t, path)
		var rows []map[string]any
		require.NoError(t, json.Unmarshal([]byte(re.body), &rows), re.body)
		all = append(all, rows...)
		path, _, _ = strings.Cut(strings.TrimPrefix(re.Header.Get("Link"), "<"), ">")
	}
	require.Equal(t, 3, pages)
	require.Equal(t, whole, all)
	next := r.get(t, "/api/v1/reports/visits?limit=2&format=csv").Header.Get("Link")
	require.Contains(t, next, "format=csv")
	cursor, _, _ := strings.Cut(next[strings.Index(next, "cursor=")+7:], "&")
	other := r.get(t, "/api/v1/reports/visits?camera=porch&cursor="+cursor)
	require.Equal(t, "cursor: is of another question", other.problem(t).Detail)
}

func TestReports_Accept_Negotiated(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for accept, want := range map[string]string{
		"": "application/json", "*/*": "application/json", "text/csv;q=0.5, application/json;q=0.4": "text/csv",
		"application/vnd.apache.parquet": "application/vnd.apache.parquet", "text/*": "text/csv", "image/png": "application/problem+json",
	} {
		re := r.get(t, "/api/v1/reports/latest", "Accept", accept)
		require.Equal(t, want, re.Header.Get("Content-Type"), accept)
		require.Equal(t, accept == "image/png", re.StatusCode == http.StatusNotAcceptable, accept)
	}
	require.Equal(t, "text/csv", r.get(t, "/api/v1/reports/latest?format=csv", "Accept", "application/json").Header.Get("Content-Type"))
}

func TestReports_UnchangedAnswer_NotModifiedUntilItChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.get(t, "/api/v1/reports/visits")
	tag := first.Header.Get("ETag")
	require.Equal(t, http.StatusNotModified, r.get(t, "/api/v1/reports/visits", "If-None-Match", tag).StatusCode)
	run(t, r.owner, "DELETE FROM visits WHERE track_id = 1")
	require.Equal(t, http.StatusOK, r.get(t, "/api/v1/reports/visits", "If-None-Match", tag).StatusCode)
}

func TestReports_Compression_WhereTheClientTakesIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := r.get(t, "/api/v1/reports")
	packed := r.get(t, "/api/v1/reports", "Accept-Encoding", "zstd")
	require.Equal(t, "zstd", packed.Header.Get("Content-Encoding"))
	d, err := zstd.NewReader(strings.NewReader(packed.body))
	require.NoError(t, err)
	defer d.Close()
	b, err := io.ReadAll(d)
	require.NoError(t, err)
	require.Equal(t, plain.body, string(b))
	require.Equal(t, "gzip", r.get(t, "/api/v1/reports", "Accept-Encoding", "gzip").Header.Get("Content-Encoding"))
	require.Equal(t, http.StatusNotModified, r.get(t, "/api/v1/reports", "Accept-Encoding", "gzip", "If-None-Match", packed.Header.Get("ETag")).StatusCode)
}

// SQL, NUL and other texts in a filter are names that no camera has, or no names.
func TestReports_HostileFilters_RefusedAndChangeNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for q, want := range map[string]int{
		"visits?zone=" + url.QueryEscape("'; DROP TABLE cameras; --"):                   404,
		"visits?class=" + url.QueryEscape("x') OR pg_sleep(100) IS NULL --"):            404,
		"visits?camera=" + url.QueryEscape("a'; DELETE FROM visits; --"):                400,
		"visits?run=" + url.QueryEscape("' UNION SELECT rolpassword FROM pg_authid --"): 404,
		"visits?zone=%00":                                              400,
		"visits?zone=%c3%28":                                           400,
		"visits?zone=%F0%9F%92%A9":                                     404,
		"visits?min-dwell=99999999999999s":                             400,
		"visits?min-dwell=999999h":                                     200,
		"visits?limit=-1":                                              400,
		"visits?limit=10001":                                           400,
		"visits?cursor=" + strings.Repeat("A", 3000):                   400,
		"visits?cursor=eyJvZiI6IiIsImtleSI6W119":                       422,
		"visits?since=1970-01-01T00:00:00Z&until=9999-12-31T23:59:59Z": 200,
		"visits?since=2026-05-02T00:00:00Z&until=2026-05-01T00:00:00Z": 422,
		"visits?recount=7":                                             404,
		"visits?recount=99999999999":                                   400,
		"heatmap?grid=1000000":                                         400,
		"tracks?min-score=2e-313":                                      200,
		"heatmap?min-score=3e-83":                                      200,
		"heatmap?min-score=1e400":                                      400,
		"busiest?top=1000000000":                                       400,
		"people?tz=" + url.QueryEscape("UTC'; SET ROLE postgres; --"):  404,
		"people?bucket=1ms":                                            400,
		"people?bucket=1d&bucket=1h":                                   400,
		"gaps?gap=0s":                                                  400,
	} {
		re := r.get(t, "/api/v1/reports/"+q)
		require.Equal(t, want, re.StatusCode, "%s: %s", q, re.body)
		if want >= 400 {
			p := re.problem(t)
			require.NotEmpty(t, p.Detail, q)
			for _, secret := range []string{"SELECT", "SQLSTATE", "goroutine", "/work", "pgx"} {
				require.NotContains(t, strings.ReplaceAll(p.Detail, "UNION SELECT", ""), secret, q)
			}
		}
	}
	var n int
	require.NoError(t, r.owner.QueryRow(t.Context(), "SELECT count(*) FROM visits").Scan(&n))
	require.Equal(t, 6, n)
}

func TestAPI_FreeSQL_IsNotServed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	require.Equal(t, http.StatusNotFound, r.get(t, "/api/v1/sql?q=SELECT+1").StatusCode)
	head := r.do(t, http.MethodHead, "/api/v1/reports/people")
	require.Equal(t, http.StatusOK, head.StatusCode)
	require.NotEmpty(t, head.Header.Get("ETag"))
}

func TestCameras_AllThatAreKnown_StateAndShapes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var cameras []map[string]any
	re := r.get(t, "/api/v1/cameras")
	require.NoError(t, json.Unmarshal([]byte(re.body), &cameras))
	states := make(map[string]any)
	var names []string
	for _, c := range cameras {
		states[c["id"].(string)] = c["state"]
		names = append(names, c["id"].(string))
	}
	require.Equal(t, map[string]any{"attic": "absent", "attic2": "absent", "attic10": "absent", "garden": "absent", "porch": "silent", "yard": "opening"}, states)
	require.Equal(t, []string{"attic", "attic2", "attic10", "garden", "porch", "yard"}, names)
	require.NoError(t, json.Unmarshal([]byte(r.get(t, "/api/v1/cameras?camera=porch").body), &cameras))
	require.Len(t, cameras, 1)
	porch := cameras[0]
	require.Equal(t, "faces", porch["privacy"])
	require.Equal(t, true, porch["live"])
	require.EqualValues(t, 1, porch["people"])
	require.EqualValues(t, 1, porch["fps"])
	require.Equal(t, "2026-05-01T10:02:59.000000Z", porch["newest"])
	require.Equal(t, map[string]any{"width": 100.0, "height": 50.0}, porch["frame"])
	require.Contains(t, porch["zones"], "door")
	require.Equal(t, http.StatusNotFound, r.get(t, "/api/v1/cameras?camera=cellar").StatusCode)
}

// Without limit, CSV is the whole report, and JSON a page.
func TestReports_WholeAsCSV_RowsOfAllPages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	run(t, r.owner, `INSERT INTO tracks SELECT (jsonb_populate_record(NULL::tracks, to_jsonb(t) || jsonb_build_object('track_id', n + 1000))).* FROM (SELECT * FROM tracks LIMIT 1) t, generate_series(1, 30000) n`)
	re := r.get(t, "/api/v1/reports/tracks?format=csv")
	require.Equal(t, 30000+6+1, bytes.Count([]byte(re.body), []byte("\n")))
	require.Empty(t, re.Header.Get("Link"))
	require.Len(t, strings.Split(r.get(t, "/api/v1/reports/tracks").body, "\n"), 1000+3, "a page of JSON")
}
