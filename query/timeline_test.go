package query_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

func TestTimelineOf_EachLength_BucketsAgreeWithReports(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:59:30Z", "2026-05-01 11:01:00Z"}, [2]string{"2026-05-01 13:00:00Z", "2026-05-01 13:00:10Z"},
		[2]string{"2026-05-01 13:00:05Z", "2026-05-01 13:00:15Z"}) // a replay: two runs in the same seconds
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 11:00:35Z", "2026-05-01 11:00:40Z")
	addCrossings(t, pool, "gate", "out", "person", "2026-05-01 12:30:00Z") // before its frame
	for length, bucket := range map[time.Duration]string{4 * time.Hour: "1m", 24 * time.Hour: "5m", 7 * 24 * time.Hour: "1h", 30 * 24 * time.Hour: "1d"} {
		f := query.Filter{Since: at("2026-05-01T10:00:00Z"), TZ: "Asia/Kolkata"}
		f.Until = f.Since.Add(length)
		line, err := query.TimelineOf(t.Context(), pool, f)
		require.NoError(t, err)
		require.Equal(t, bucket, line.Bucket)
		require.Len(t, line.Cameras, 1)
		yard := line.Cameras[0]
		require.Equal(t, at("2026-05-01T10:59:00Z"), *yard.First)
		require.Len(t, yard.Frames, len(line.At))
		if bucket != "5m" {
			report := f
			report.Bucket, report.Camera = bucket, "yard"
			rows := map[string]map[string]any{}
			name := map[string]string{"1m": "minute", "1h": "hour", "1d": "day"}[bucket]
			for _, r := range records(t, pool, "people", report) {
				begin, err := time.Parse(time.RFC3339, r[name].(string))
				require.NoError(t, err)
				rows[begin.UTC().String()] = r
			}
			for i, begin := range line.At {
				r := rows[begin.String()]
				if r == nil || r["frames"].(float64) == 0 {
					require.Nil(t, yard.Frames[i], "a gap is a gap")
					require.Nil(t, yard.Most[i])
					continue
				}
				require.EqualValues(t, r["frames"], *yard.Frames[i])
				require.EqualValues(t, r["max_people"], *yard.Most[i])
				require.InDelta(t, r["avg_people"], *yard.Average[i], 0.005)
				require.InDelta(t, r["coverage"], *yard.Watched[i], 0.0006)
			}
		}
		require.Equal(t, []int64{2, 1, 110}, []int64{total(yard.In), total(yard.Out), total(yard.Frames)})
	}
}

func total(list []*int64) (n int64) {
	for _, v := range list {
		if v != nil {
			n += *v
		}
	}
	return n
}

func TestTimelineOf_Filters_LanesAndFigures(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:02:00Z"})
	addCamera(t, pool, "gate", [2]string{"2026-05-02 10:00:00Z", "2026-05-02 10:00:05Z"})
	addCrossings(t, pool, "north", "in", "person", "2026-05-01 10:00:10Z")
	addCrossings(t, pool, "south", "in", "person", "2026-05-01 10:00:20Z", "2026-05-01 10:00:21Z")
	f := query.Filter{Since: at("2026-05-01T10:00:00Z"), Until: at("2026-05-01T10:03:00Z")}
	ask := func(change func(*query.Filter)) *query.Timeline {
		g := f
		change(&g)
		line, err := query.TimelineOf(t.Context(), pool, g)
		require.NoError(t, err)
		return line
	}
	all := ask(func(*query.Filter) {})
	require.Len(t, all.Cameras, 2)
	require.Equal(t, "gate", all.Cameras[0].Camera)
	require.Equal(t, "- - - ", counts(all.Cameras[0].Frames))
	require.Equal(t, "60 60 - ", counts(all.Cameras[1].Frames))
	require.Equal(t, "3 0 - ", counts(all.Cameras[1].In))
	south := ask(func(f *query.Filter) { f.Line, f.Zone = "south", "door" })
	require.Len(t, south.Cameras, 1)
	require.Equal(t, "2 0 - ", counts(south.Cameras[0].In))
	require.InDelta(t, 0.5, *south.Cameras[0].Average[0], 0, "in the zone for half of each minute")
	require.Len(t, ask(func(f *query.Filter) { f.Camera = "gate" }).Cameras, 1)

	for _, wrong := range []query.Filter{{}, {Since: f.Until, Until: f.Since}, {Since: f.Since, Until: f.Since.AddDate(10, 0, 0)}} {
		_, err := query.TimelineOf(t.Context(), pool, wrong)
		require.True(t, usage.Is(err), "%v", err)
	}
}

func TestTracksOf_Pages_EachTrackOnce(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:06:00Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 10:00:35Z")
	_, err := pool.Exec(t.Context(), `UPDATE crossings SET track_id = (SELECT track_id FROM tracks WHERE first_at = '2026-05-01 10:00:00Z')`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "UPDATE tracks SET thing = true WHERE first_at = '2026-05-01 10:02:00Z'; ")
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "UPDATE tracks SET first_at = '2026-05-01 10:03:00Z' WHERE first_at = '2026-05-01 10:04:00Z'")
	require.NoError(t, err) // two at one time
	seen := map[int64]bool{}
	page := query.Part{Limit: 2}
	for range 3 {
		list, err := query.TracksOf(t.Context(), pool, query.Filter{}, page)
		require.NoError(t, err)
		for _, track := range list.Tracks {
			require.False(t, seen[track.Track])
			seen[track.Track] = true
			require.Equal(t, []string{"door"}, track.Zones)
			if len(seen) == 1 {
				require.Equal(t, []string{"in gate"}, track.Crossings)
				require.InDelta(t, 59, track.DurationS, 0)
			}
		}
		page.Cursor = list.Next
	}
	require.Empty(t, page.Cursor)
	require.Len(t, seen, 5, "without the thing")
	for f, n := range map[query.Filter]int{{Line: "gate"}: 1, {Zone: "door"}: 5, {MinScore: 0.91}: 0, {MinScore: 0.9}: 5, {Class: "car"}: 0, {Since: at("2026-05-01T10:05:00Z")}: 1} {
		list, err := query.TracksOf(t.Context(), pool, f, query.Part{Limit: query.MaxPage})
		require.NoError(t, err)
		require.Len(t, list.Tracks, n, "%+v", f)
	}
	for _, wrong := range []query.Part{{}, {Limit: 201}, {Limit: 1, Cursor: "x"}, {Limit: 1, Cursor: "eyJ0IjoxfQ"}} {
		_, err := query.TracksOf(t.Context(), pool, query.Filter{}, wrong)
		require.True(t, usage.Is(err), "%+v", wrong)
	}
}

func TestCrossingsOf_Pages_EachCrossingOnce(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:01:00Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 10:00:35Z", "2026-05-01 10:00:36Z", "2026-05-01 10:00:36Z")
	first, err := query.CrossingsOf(t.Context(), pool, query.Filter{Line: "gate"}, query.Part{Limit: 2})
	require.NoError(t, err)
	require.Len(t, first.Crossings, 2)
	require.Equal(t, query.CrossingItem{At: at("2026-05-01T10:00:35Z"), Camera: "yard", Line: "gate", Direction: "in", Label: "person", Run: "yard-0"}, first.Crossings[0])
	second, err := query.CrossingsOf(t.Context(), pool, query.Filter{}, query.Part{Limit: 2, Cursor: first.Next})
	require.NoError(t, err)
	require.Len(t, second.Crossings, 1)
	require.EqualValues(t, 2, second.Crossings[0].Track)
	require.Empty(t, second.Next)
}

func TestPathOf_Detections_OrTotalsWhereTheyExpired(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:02:00Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 10:00:35Z")
	_, err := pool.Exec(t.Context(), "UPDATE runs SET frame_width = 100, frame_height = 50")
	require.NoError(t, err)
	const track = 29627160
	_, err = pool.Exec(t.Context(), "UPDATE crossings SET track_id = $1", track)
	require.NoError(t, err)
	p, err := query.PathOf(t.Context(), pool, query.Filter{Run: "yard-0"}, track)
	require.NoError(t, err)
	require.Equal(t, "detections", p.Source)
	require.Len(t, p.Points, 60)
	require.InDelta(t, 0.3, p.Points[7].X, 1e-6)
	require.InDelta(t, 0.8, p.Points[7].Y, 1e-6)
	require.InDelta(t, 7, p.Points[7].S, 1e-6)
	require.InDelta(t, 0.2, *p.Points[7].Width, 1e-6)
	require.Equal(t, []query.PathVisit{{Zone: "door", From: at("2026-05-01T10:00:00Z"), To: at("2026-05-01T10:00:29Z"), DwellS: 29}}, p.Visits)
	require.Len(t, p.Crossings, 1)

	_, err = pool.Exec(t.Context(), "TRUNCATE sightings")
	require.NoError(t, err)
	p, err = query.PathOf(t.Context(), pool, query.Filter{Run: "yard-0"}, track)
	require.NoError(t, err)
	require.Equal(t, "totals", p.Source)
	require.Len(t, p.Points, 60)
	require.InDelta(t, 0.8, p.Points[7].Y, 1e-6)
	for _, run := range []string{"yard-1", "'; DROP TABLE runs"} {
		p, err = query.PathOf(t.Context(), pool, query.Filter{Run: run}, track)
		require.NoError(t, err)
		require.Nil(t, p)
	}
}

// A path of 10,000 points is drawn by 400, none of which is far from it; its ends stay.
func TestThin_LongPath_StaysNearIt(t *testing.T) {
	t.Parallel()
	var points []query.PathPoint
	for i := range 10_000 {
		a := float64(i) / 500
		points = append(points, query.PathPoint{S: float64(i), X: 0.5 + 0.4*math.Cos(a)*math.Sin(a/7), Y: 0.5 + 0.4*math.Sin(a)})
	}
	thinned := query.Thin(points, 400)
	require.LessOrEqual(t, len(thinned), 400)
	require.Greater(t, len(thinned), 200)
	require.Equal(t, []query.PathPoint{points[0], points[9999]}, []query.PathPoint{thinned[0], thinned[len(thinned)-1]})
	next := 0
	for _, p := range points {
		for next+1 < len(thinned)-1 && thinned[next+1].S <= p.S {
			next++
		}
		require.Less(t, query.Deviation(p, thinned[next], thinned[next+1]), 0.002, fmt.Sprint(p.S))
	}
	still := make([]query.PathPoint, 1000)
	require.LessOrEqual(t, len(query.Thin(still, 400)), 400)
}

func TestHeatOf_Cells_ThoseOfTheReport(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:20Z", "2026-05-01 10:00:40Z"})
	_, err := pool.Exec(t.Context(), "UPDATE runs SET frame_width = 100, frame_height = 50")
	require.NoError(t, err)
	h, err := query.HeatOf(t.Context(), pool, query.Filter{Camera: "yard", Grid: 10, Since: at("2026-05-01T10:00:00Z")})
	require.NoError(t, err)
	require.Equal(t, [][3]int64{{9, 2, 20}, {3, 8, 20}}, h.Cells)
	require.Equal(t, []int64{40, 20, 20, 20, 100, 50}, []int64{h.N, h.Most, h.Frames, h.Seconds, h.Width, h.Height})
	empty, err := query.HeatOf(t.Context(), pool, query.Filter{Camera: "yard", Class: "person", Since: at("2026-05-02T10:00:00Z")})
	require.NoError(t, err)
	require.Empty(t, empty.Cells)
	require.Zero(t, empty.Frames)
	_, err = query.HeatOf(t.Context(), pgtest.Open(t), query.Filter{})
	require.True(t, usage.Is(err))
}
