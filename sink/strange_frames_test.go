package sink_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/schema"
)

// reports asks for each report, and that the path of a track and the cells of a camera are found.
func (w *world) reports(camera, run string, track int64) {
	w.Helper()
	for _, r := range query.Reports {
		for _, f := range []query.Filter{{}, {Bucket: "1h", Since: origin.Add(-time.Hour)}} {
			var out bytes.Buffer
			require.NoError(w, r.Question(f).Answer(w.Context(), w.pool, &out, "csv"), r.Name)
		}
	}
	heat, err := query.HeatOf(w.Context(), w.pool, query.Filter{Camera: camera})
	require.NoError(w, err)
	require.NotEmpty(w, heat.Cells)
	path, err := query.PathOf(w.Context(), w.pool, query.Filter{Camera: camera, Run: run}, track)
	require.NoError(w, err)
	require.NotNil(w, path)
}

// Frames with as many objects as a record may have, each tracked and some in a zone, among those of other
// cameras: each detection, track and visit is there, and every question has its answer.
func TestSink_TenThousandObjectsInAFrame_AllThereAndOthersUnaffected(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.fill(0, 50, "porch", "yard")
	for n := range 3 {
		s := sighting("gate", "run-of-gate", n)
		s.Objects = make([]event.Object, event.MaxObjects)
		for i := range s.Objects {
			id, x, y := int64(i+1), float32(i%100*7), float32(i/100*5)
			s.Objects[i] = event.Object{Index: i, Label: "person", Score: .5, Box: event.Box{x, y, x + 6, y + 4}, TrackID: &id}
			if i%100 == 0 { // with more of them the record would be larger than a producer sends by default, a million bytes
				s.Objects[i].Zones = []string{"door"}
			}
		}
		w.produce(record(t, s))
	}
	w.fill(50, 100, "porch", "yard")
	w.drain()
	require.Empty(t, w.letters(kafka.Sightings))
	require.Equal(t, 200, w.number("SELECT count(*) FROM v_sightings WHERE camera <> 'gate'"))
	require.Equal(t, 2*people(0, 100), w.number("SELECT count(*) FROM v_detections WHERE camera <> 'gate'"))
	require.Equal(t, 30_000, w.number("SELECT count(*) FROM v_detections WHERE camera = 'gate'"))
	require.Equal(t, 10_000, w.number("SELECT count(*) FROM v_tracks WHERE frames = 3"))
	require.Equal(t, 100, w.number("SELECT count(*) FROM v_visits WHERE frames = 3"))
	require.Equal(t, 100, w.number("SELECT max_people FROM v_zone_minutes WHERE zone = 'door'"))
	w.reports("gate", "run-of-gate", 10_000)
	heat, err := query.HeatOf(t.Context(), w.pool, query.Filter{Camera: "gate"})
	require.NoError(t, err)
	var feet int64
	for _, c := range heat.Cells {
		feet += c[2]
	}
	require.EqualValues(t, 30_000, feet)
	pgtest.TotalsAgree(t, w.pool)
}

// Boxes that are possible are rows: beyond the picture, negative, without an area. A number that is none and
// swapped edges make a dead letter, in each encoding, and nothing waits for it.
func TestSink_StrangeBoxesAndScores_RowsOrDeadLetters(t *testing.T) {
	t.Parallel()
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	type object struct {
		score float32
		box   event.Box
		lost  string // the cause of the dead letter; "": it is a row
	}
	objects := []object{
		{.5, event.Box{-100, -50, -20, -10}, ""}, {.5, event.Box{700, 500, 2000, 1500}, ""}, {.5, event.Box{-1e30, -1e30, 1e30, 1e30}, ""},
		{.5, event.Box{10, 10, 10, 40}, ""}, {.5, event.Box{10, 40, 30, 40}, ""}, {.5, event.Box{}, ""},
		{0, event.Box{1, 1, 2, 2}, ""}, {1, event.Box{1, 1, 2, 2}, ""},
		{nan, event.Box{1, 1, 2, 2}, "not a number"}, {inf, event.Box{1, 1, 2, 2}, "not a number"},
		{-inf, event.Box{1, 1, 2, 2}, "not a number"},
		{.5, event.Box{nan, 1, 2, 2}, "not a number"}, {.5, event.Box{1, 1, 2, inf}, "not a number"},
		{1.5, event.Box{1, 1, 2, 2}, "not 0 to 1"}, {-.1, event.Box{1, 1, 2, 2}, "not 0 to 1"},
		{.5, event.Box{5, 1, 2, 2}, "lies before the other"},
	}
	registry := registrytest.Start(t).Mix()
	for _, encoding := range encodings {
		t.Run(encoding, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c := codec(t, registry, encoding)
			w.stream.Schemas = c
			var rows int
			var causes []string
			for n, o := range objects {
				s := sighting("porch", "run-of-porch", n)
				id := int64(n + 1)
				s.Objects = []event.Object{{Label: "person", Score: o.score, Box: o.box, TrackID: &id, Zones: []string{"door"}}}
				if o.lost == "" {
					rows++
				} else {
					causes = append(causes, o.lost)
				}
				if encoding != schema.JSON {
					w.produce(in(t, c, kafka.Sightings, "porch", s))
					continue
				}
				number := func(f float32) string {
					return map[bool]string{true: "NaN", false: fmt.Sprint(f)}[f != f]
				}
				s.Objects[0].Score, s.Objects[0].Box = .25, event.Box{}
				r := record(t, s)
				box := fmt.Sprintf("[%s,%s,%s,%s]", number(o.box[0]), number(o.box[1]), number(o.box[2]), number(o.box[3]))
				r.Value = bytes.Replace(r.Value, []byte(`"score":0.25`), []byte(`"score":`+number(o.score)), 1)
				r.Value = bytes.Replace(r.Value, []byte(`"box":[0,0,0,0]`), []byte(`"box":`+box), 1)
				w.produce(r)
			}
			w.fill(len(objects), len(objects)+30, "porch")
			w.start()
			w.drain()
			letters := w.letters(kafka.Sightings)
			require.Len(t, letters, len(causes))
			for i, l := range letters {
				if encoding != schema.JSON || i >= 5 { // JSON has no such numbers: the record is no JSON
					require.Contains(t, head(l, kafka.HeaderDeadCause), causes[i])
				}
			}
			require.Equal(t, rows+30, w.number("SELECT count(*) FROM sightings"))
			require.Equal(t, rows, w.number("SELECT count(*) FROM v_tracks"))
			w.reports("porch", "run-of-porch", 1)
			pgtest.TotalsAgree(t, w.pool)
		})
	}
}
