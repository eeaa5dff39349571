package history_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/history"
)

// asker returns a function that asks the routes on the shop's database.
func asker(t *testing.T) func(path string) (status int, body string) {
	t.Helper()
	mux := http.NewServeMux()
	for _, r := range history.Routes(answer.NewDatabase(shop(t), 4, time.Minute)) {
		mux.Handle(r.Pattern, r.Handler)
	}
	return func(path string) (int, string) {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/"+path, nil))
		body, err := io.ReadAll(w.Result().Body)
		require.NoError(t, err)
		return w.Code, string(body)
	}
}

func TestRoutes_HostileParameters_RefusedInWords(t *testing.T) {
	t.Parallel()
	ask := asker(t)
	times := "&since=2026-05-29T00:00:00Z&until=2026-05-30T00:00:00Z"
	for path, want := range map[string]int{
		"today?day=tomorrow":                            400,
		"today?recount=7":                               404,
		"timeline?recount=x":                            400,
		"tracks?recount=7":                              404,
		"tracks/run-door/1?recount=7":                   404,
		"today?day=2026-02-31":                          422,
		"today?day=9999-01-01":                          422,
		"today?days=2026-05-01":                         400,
		"today?tz=Mars":                                 404,
		"today?tz=UTC-5":                                404,
		"today?camera=" + strings.Repeat("x", 1000):     400,
		"today?camera=kitchen":                          404,
		"today?camera=door&camera=yard":                 400,
		"today?zone=" + url.QueryEscape("x' OR 1=1 --"): 404,
		"today?zone=%00":                                400,
		"today?line=%ff":                                400,
		"timeline":                                      400,
		"timeline?since=2026-05-29T00:00:00Z":           400,
		"timeline?until=2026-05-29T00:00:00Z&since=2026-05-30T00:00:00Z": 422,
		"timeline?since=1970-01-01T00:00:00Z&until=2026-05-30T00:00:00Z": 422,
		"timeline?since=yesterday&until=now":                             400,
		"tracks?limit=0":                                                 400,
		"tracks?limit=1000000":                                           400,
		"tracks?min_score=NaN":                                           400,
		"tracks?min_score=2":                                             400,
		"tracks?cursor=e30":                                              422,
		"tracks?cursor=" + url.QueryEscape("';"):                         400,
		"tracks/run-door/x":                                              400,
		"tracks/run-door/-1":                                             400,
		"tracks/run-door/1":                                              404,
		"tracks/..%2f..%2fetc/1":                                         404,
		"crossings?line=kitchen":                                         404,
		"crossings?staff=maybe":                                          400,
		"heatmap?grid=16":                                                400,
		"heatmap?camera=door&grid=0":                                     400,
		"heatmap?camera=door&grid=100000":                                400,
		"heatmap?camera=kitchen":                                         404,
		"heatmap?camera=door" + times:                                    200,
		"timeline?tz=Asia/Kolkata" + times:                               200,
		"tracks?camera=door&zone=till&line=entrance&min_score=0.5" + times: 200,
		"crossings?line=entrance" + times:                                  200,
		"today?day=2026-05-29&tz=Asia/Kathmandu":                           200,
	} {
		status, body := ask(path)
		require.Equal(t, want, status, "%s: %s", path, body)
		require.True(t, json.Valid([]byte(body)), path)
		require.NotContains(t, body, "SQLSTATE", path)
		if want != 200 {
			var p struct{ Detail string }
			require.NoError(t, json.Unmarshal([]byte(body), &p))
			require.NotEmpty(t, p.Detail, path)
			require.NotContains(t, p.Detail, "--camera", path)
		}
	}
}

// Every page of a list is asked with the cursor of the one before, and every track is found
// by itself.
func TestRoutes_TracksByPages_AllOfThem(t *testing.T) {
	t.Parallel()
	ask := asker(t)
	const span = "&since=2026-05-29T06:00:00Z&until=2026-05-29T07:00:00Z"
	seen := map[int64]bool{}
	cursor := ""
	for {
		status, body := ask("tracks?limit=40&camera=door" + span + cursor)
		require.Equal(t, 200, status, body)
		var list query.TrackList
		require.NoError(t, json.Unmarshal([]byte(body), &list))
		for _, track := range list.Tracks {
			seen[track.Track] = true
		}
		if list.Next == "" {
			break
		}
		cursor = "&cursor=" + url.QueryEscape(list.Next)
	}
	require.Len(t, seen, 90)
}
