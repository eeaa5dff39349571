package answer_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

var all = []route.Param{
	answer.Camera, answer.Since, answer.Until, answer.TZ, answer.Limit(100, 1000), answer.Cursor,
	{Name: "score", Type: 0.0, Min: 0, Max: 1},
	{Name: "length", Type: time.Duration(0)},
	{Name: "bucket", Type: "", Enum: []string{"1m", "1h"}, Default: "1h"},
	{Name: "sharp", Type: false},
	{Name: "kind", Type: "", Repeated: true},
}

// parse returns the values of a query.
func parse(t *testing.T, query string) (v answer.Values, err error) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /x", func(_ http.ResponseWriter, r *http.Request) { v, err = answer.Parse(r, all) })
	r := httptest.NewRequest(http.MethodGet, "/x", nil)
	r.URL.RawQuery = query
	mux.ServeHTTP(httptest.NewRecorder(), r)
	return v, err
}

func TestParse_RightValues_Read(t *testing.T) {
	t.Parallel()
	v, err := parse(t, "camera=porch_1&since=2026-05-01T10:00:00%2B02:00&limit=7&score=0.25&length=2m&sharp=true&kind=a&kind=b")
	require.NoError(t, err)
	require.Equal(t, "porch_1", v.Text("camera"))
	require.True(t, v.Time("since").Equal(time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)))
	require.True(t, v.Time("until").IsZero())
	require.Equal(t, 7, v.Int("limit"))
	require.InDelta(t, 0.25, v.Float("score"), 0)
	require.Equal(t, 2*time.Minute, v.Duration("length"))
	require.Equal(t, "1h", v.Text("bucket"), "its default")
	require.True(t, v.Bool("sharp"))
	require.Equal(t, []string{"a", "b"}, v.All("kind"))
	require.False(t, v.Has("tz"))
	v, err = parse(t, "")
	require.NoError(t, err)
	require.Equal(t, 100, v.Int("limit"), "its default")
	v, err = parse(t, "since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z")
	require.NoError(t, err)
	require.Equal(t, 1970, v.Time("since").Year(), "no event is older")
	require.Equal(t, 2200, v.Time("until").Year(), "no event is newer")
}

// Whatever a query has that its description does not allow is refused before it is used.
func TestParse_HostileValues_Refused(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"camera=porch'%20OR%201=1--":             `camera "porch' OR 1=1--"; it is written as ^[a-z0-9_-]{1,64}$`,
		"camera=%00":                             "camera is no text",
		"camera=%ff":                             "camera is no text",
		"camera=%zz":                             "the query cannot be read",
		"camera=a;b":                             "the query cannot be read",
		"camera=" + strings.Repeat("a", 65):      "camera is too long; give 64 characters at most",
		"camera=":                                "camera is empty",
		"camera=a&camera=b":                      "parameter camera is given 2 times",
		"camra=a":                                `parameter "camra" is not known; did you mean camera?`,
		"%00=a":                                  `parameter "\x00" is not known`,
		"limit=0":                                `limit "0"; give a whole number from 1 to 1000`,
		"limit=99999999999999999999":             "give a whole number from 1 to 1000",
		"limit=1e3":                              "give a whole number",
		"limit=+1":                               "the query", // a blank, which no number begins with
		"limit=%2B1":                             "give a whole number",
		"score=NaN":                              "give a number from 0 to 1",
		"score=Inf":                              "give a number from 0 to 1",
		"score=0x1p-2":                           "give a number from 0 to 1",
		"score=1e-999999":                        "",
		"score=1.01":                             "give a number from 0 to 1",
		"since=yesterday":                        "write it as 2026-11-25T10:00:00Z",
		"since=2026-13-01T00:00:00Z":             "write it as",
		"length=0s":                              "write it as 30s, 2m or 1h",
		"length=9999999h":                        "write it as 30s, 2m or 1h",
		"bucket=1w":                              `bucket "1w"; use 1m, 1h`,
		"sharp=1":                                "give true or false",
		"cursor=../../etc":                       "it is written as",
		"kind=" + strings.Repeat("a&kind=", 300): "",
	} {
		_, err := parse(t, query)
		if want == "" {
			continue
		}
		if want == "the query" {
			want = "give a whole number"
		}
		require.ErrorContains(t, err, want, query)
		require.True(t, usage.Is(err), query)
		require.Less(t, len(err.Error()), 400, "it quotes no more than it has to")
	}
}

func TestSpan_BeginsAfterItsEnd_Unprocessable(t *testing.T) {
	t.Parallel()
	v, err := parse(t, "since=2026-05-01T10:00:00Z&until=2026-05-01T10:00:00Z")
	require.NoError(t, err)
	_, _, err = v.Span()
	var refused *answer.Refusal
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 422, refused.Status)
	v, err = parse(t, "until=2026-05-01T10:00:00Z")
	require.NoError(t, err)
	since, until, err := v.Span()
	require.NoError(t, err)
	require.True(t, since.IsZero())
	require.Equal(t, 2026, until.Year())
}

func TestLocation_Names_OfTheTimeZoneDatabaseAlone(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{"": "UTC", "tz=Europe/Berlin": "Europe/Berlin", "tz=UTC": "UTC"} {
		v, err := parse(t, query)
		require.NoError(t, err)
		zone, err := v.Location("tz")
		require.NoError(t, err)
		require.Equal(t, want, zone.String())
	}
	for _, query := range []string{"tz=Local", "tz=../../etc/passwd", "tz=Mars"} {
		v, err := parse(t, query)
		require.NoError(t, err)
		_, err = v.Location("tz")
		require.ErrorContains(t, err, "is no time zone", query)
	}
}

func TestCursor_OtherQuestionOrMadeUp_Refused(t *testing.T) {
	t.Parallel()
	v, err := parse(t, "camera=porch&limit=2")
	require.NoError(t, err)
	cursor, err := answer.MakeCursor(v, []string{"porch", "2026-05-01T10:00:00Z"})
	require.NoError(t, err)
	next, err := parse(t, "camera=porch&limit=5&cursor="+cursor) // another size of the page is the same question
	require.NoError(t, err)
	var key []string
	there, err := next.ReadCursor(&key)
	require.NoError(t, err)
	require.True(t, there)
	require.Equal(t, []string{"porch", "2026-05-01T10:00:00Z"}, key)
	for query, want := range map[string]string{
		"camera=yard&cursor=" + cursor:       "cursor: is of another question",
		"cursor=" + cursor:                   "cursor: is of another question",
		"camera=porch&cursor=" + cursor[:20]: "cursor: is none of ours",
		"camera=porch&cursor=AAAA":           "cursor: is none of ours",
	} {
		v, err := parse(t, query)
		require.NoError(t, err)
		_, err = v.ReadCursor(&key)
		require.ErrorContains(t, err, want, query)
	}
}
