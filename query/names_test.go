package query_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

// cam-2 comes before cam-10, in the whole of each report and in its pages, also where a page is
// asked for that begins behind a camera which has been deleted since.
func TestReports_CamerasWithNumbers_InTheirOrder(t *testing.T) {
	t.Parallel()
	pool := (&fleet{cameras: 12, past: 40 * time.Minute, every: time.Minute, people: 20}).open(t)
	ordered := 0
	for _, r := range query.Reports {
		if len(r.Order) == 0 || r.Order[0] != "camera" {
			continue
		}
		f := query.Filter{}
		if r.Takes("grid") {
			f.Grid = 2
		}
		var rows []map[string]any
		require.NoError(t, json.Unmarshal([]byte(answer(t, pool, r.Question(f), "json")), &rows))
		var whole []string
		for _, row := range rows {
			whole = append(whole, row["camera"].(string))
		}
		column := slices.Index(r.Columns, "camera")
		var paged []string
		for _, row := range pages(t, pool, r.Question(f), 50, func() {}) {
			paged = append(paged, row[column])
		}
		require.Equal(t, whole, paged, r.Name)
		require.True(t, slices.IsSortedFunc(whole, natural.Compare), "%s: %s", r.Name, whole)
		if len(whole) > 10 {
			ordered++
		}
	}
	require.GreaterOrEqual(t, ordered, 6)

	var out strings.Builder
	latest := report("latest", query.Filter{})
	_, err := latest.AnswerPage(t.Context(), pool, &out, "csv", query.Page{Limit: 100, After: []string{"cam-5b"}})
	require.NoError(t, err)
	require.Equal(t, 6, strings.Count(out.String(), "\ncam-"), out.String()) // 6 to 11

	l, err := query.TimelineOf(t.Context(), pool, query.Filter{Since: time.Now().Add(-time.Hour), Until: time.Now()})
	require.NoError(t, err)
	require.True(t, slices.IsSortedFunc(l.Cameras, func(a, b query.Lane) int { return natural.Compare(a.Camera, b.Camera) }))
	d := dayOf(t, pool, query.Filter{}, "", time.Now())
	require.True(t, slices.IsSortedFunc(d.Cameras, func(a, b query.DayCamera) int { return natural.Compare(a.Camera, b.Camera) }))
	require.Len(t, d.Cameras, 12)
	require.ErrorContains(t, refused(t, pool, report("people", query.Filter{Camera: "x"})), "there is cam-0, cam-1, cam-2, cam-3")
}

func TestCheckName_InNeither_BothAreNamed(t *testing.T) {
	t.Parallel()
	pool := (&fleet{cameras: 3, past: time.Hour, every: time.Minute, people: 1}).open(t)
	const cameras = "SELECT name FROM cameras"
	for _, there := range []string{"", "cam-2", "cam-10"} {
		require.NoError(t, query.CheckName(t.Context(), pool, "--camera", there, cameras, "cam-10", "cam-2"))
	}
	err := query.CheckName(t.Context(), pool, "--camera", "cam-3", cameras, "cam-10", "cam-2")
	require.True(t, usage.Is(err))
	require.ErrorIs(t, err, query.ErrNoName)
	require.EqualError(t, err, `--camera "cam-3" is neither in the database nor in the configuration; there is cam-0, cam-1, cam-2, cam-10`)
}
