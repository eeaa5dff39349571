package detect

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

// shoppers are people at fixed places of the picture, one after the other and some again:
// who is there at which of 160 frames, a half second each.
func shoppers(n int64) (objs []event.Object) {
	for i, there := range [][][2]int64{{{5, 40}, {50, 60}}, {{30, 31}, {33, 90}}, {{100, 120}, {145, 160}}, {{150, 152}}} {
		for _, span := range there {
			if n >= span[0] && n < span[1] {
				x, y := float32(80+150*i), float32(200+60*i)
				objs = append(objs, event.Object{Index: len(objs), Label: "person", Score: 0.9, Box: event.Box{x - 30, y - 150, x + 30, y}})
			}
		}
	}
	return objs
}

// shop sends frames from to until-1, and the end of the run if until is the last.
func shop(t testing.TB, s *sceneState, w kafka.Writer, until int64, skipEmpty bool) {
	t.Helper()
	run := w.Run()
	for n := w.Next(); n < until; n++ {
		if n%7 == 3 {
			continue // it was dropped
		}
		pts := time.Duration(n) * time.Second / 2
		g := &event.Sighting{
			Camera: "porch", Run: run.ID, Seq: n, SourceKind: run.SourceKind, PTS: pts.Microseconds(),
			CapturedAt: run.CapturedAt(pts), Frame: size,
		}
		if g.Objects = slices.Clone(s.track(shoppers(n), size, pts)); skipEmpty && len(g.Objects) == 0 {
			continue
		}
		require.NoError(t, w.Send(t.Context(), g, s.events(g)...))
	}
}

// The ends in the topic are the rows that the log's sightings give, each once, wherever
// the run was interrupted, also where the tracks are not reproduced.
func TestVisitsTopic_RunInterrupted_RowsOfTheSightings(t *testing.T) {
	t.Parallel()
	const last = 160
	for name, c := range map[string]struct {
		skipEmpty bool
		stops     []int64
	}{
		"whole":                      {false, nil},
		"interrupted":                {false, []int64{6, 35, 42, 101, 130, 159, last}},
		"interrupted, empty skipped": {true, []int64{6, 35, 42, 101, 130, 159, last}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newLog(t)
			settings := config.CameraSettings{
				Zones: map[string][]config.Point{"left": left, "upper": upper}, Loitering: map[string]time.Duration{"left": 12 * time.Second},
			}
			var s *sceneState
			var w kafka.Writer
			var err error
			for _, stop := range append(c.stops, last) {
				if w != nil {
					require.NoError(t, w.Close(t.Context()))
				}
				w, err = kafka.OpenFile(t.Context(), cfg, event.Run{Camera: "porch", SourceKind: event.SourceFile, Fingerprint: "f"}, 0, never)
				require.NoError(t, err)
				s = porchScene(t, settings)
				require.NoError(t, s.open(0))
				if w.Next() > 0 {
					require.NoError(t, s.resume(t.Context(), cfg, w.Run(), w.Next(), slog.New(slog.DiscardHandler)))
				}
				shop(t, s, w, stop, c.skipEmpty)
			}
			require.NoError(t, w.Finish(t.Context(), event.Run{}, s.end()...))

			rows := visitRows(t, cfg, w.Run())
			require.Greater(t, len(rows), 4)
			var ends []string
			long, loitering := 0, 0
			begun := make(map[string]bool)
			for _, v := range topicVisits(t, cfg) {
				switch stay := fmt.Sprint(v.TrackID, v.Zone, v.EnteredAt); v.Kind {
				case event.Entered:
					require.False(t, begun[stay], stay)
					begun[stay] = true
				case event.Loitering:
					loitering++
					require.True(t, begun[stay], stay)
					require.Equal(t, "left", v.Zone)
				case event.Left:
					if v.Zone == "left" && v.DwellS >= 12 {
						long++
					}
					require.True(t, begun[stay], stay)
					ends = append(ends, fmt.Sprint(v.TrackID, " ", v.Zone, " ", v.EnteredAt, " ", v.LeftAt))
				}
			}
			slices.Sort(ends)
			require.Equal(t, rows, ends)
			require.Len(t, begun, len(rows))
			require.Positive(t, long)
			require.Equal(t, long, loitering)
		})
	}
}

// visitRows are the visits of a run's sightings in the log as the tables have them: those of
// a track in a zone, cut where it was away for more than ten seconds.
func visitRows(t testing.TB, cfg kafka.Config, run event.Run) (rows []string) {
	t.Helper()
	type stay struct{ entered, left event.Time }
	open := make(map[string]stay)
	end := func(k string) { rows = append(rows, fmt.Sprint(k, " ", open[k].entered, " ", open[k].left)) }
	require.NoError(t, kafka.ReadRun(t.Context(), cfg, &run, func(g *event.Sighting) {
		for _, o := range g.Objects {
			for _, z := range o.Zones {
				if o.TrackID == nil {
					continue
				}
				k := fmt.Sprint(*o.TrackID, " ", z)
				v, there := open[k]
				if there && g.CapturedAt.Sub(v.left.Time) > 10*time.Second {
					end(k)
				}
				if !there || g.CapturedAt.Sub(v.left.Time) > 10*time.Second {
					v.entered = g.CapturedAt
				}
				v.left = g.CapturedAt
				open[k] = v
			}
		}
	}))
	for k := range open {
		end(k)
	}
	slices.Sort(rows)
	return rows
}

// topicVisits reads the committed records of the topic, which has each event once.
func topicVisits(t testing.TB, cfg kafka.Config) (all []*event.Visit) {
	t.Helper()
	cl, err := cfg.Client(kgo.ConsumeTopics(kafka.Visits), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	require.NoError(t, err)
	defer cl.Close()
	ends, err := kadm.NewClient(cl).ListCommittedOffsets(t.Context(), kafka.Visits)
	require.NoError(t, err)
	require.NoError(t, ends.Error())
	end, _ := ends.Lookup(kafka.Visits, kafka.Partition([]byte("porch"), len(ends[kafka.Visits])))
	ids := make(map[string]bool)
	for at := int64(0); at < end.Offset; {
		f := cl.PollFetches(t.Context())
		require.NoError(t, f.Err())
		f.EachRecord(func(r *kgo.Record) {
			if at = r.Offset + 1; r.Attrs.IsControl() {
				return
			}
			v, err := event.DecodeVisit(r.Value)
			require.NoError(t, err)
			require.Equal(t, "porch", string(r.Key))
			require.False(t, ids[v.EventID], v.EventID)
			ids[v.EventID] = true
			all = append(all, v)
		})
	}
	return all
}
