package zone_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/zone"
	"github.com/sightlog/sightlog/event"
)

var dawn = time.Date(2026, 5, 1, 6, 0, 0, 0, time.UTC)

// inside is a sighting at a second of the script, of tracks and the zones they are in:
// "1 till", or "1 till,hall".
func inside(second float64, tracks ...string) *event.Sighting {
	s := &event.Sighting{
		Camera: "shop", Run: "r1", Seq: int64(10 * second), SourceKind: event.SourceFile,
		CapturedAt: event.At(dawn.Add(time.Duration(second * float64(time.Second)))),
	}
	for _, t := range tracks {
		var id int64
		var zones string
		if _, err := fmt.Sscanf(t, "%d %s", &id, &zones); err != nil {
			zones = "" // it is in none
		}
		o := event.Object{Label: "person", TrackID: &id}
		if zones != "" {
			o.Zones = strings.Split(zones, ",")
		}
		s.Objects = append(s.Objects, o)
	}
	return s
}

// said are visits in short: seq, kind, track, zone, second of the entry, dwell.
func said(t testing.TB, visits []event.Visit) (all []string) {
	t.Helper()
	for _, v := range visits {
		b, err := v.Encode()
		require.NoError(t, err)
		_, err = event.DecodeVisit(b)
		require.NoError(t, err)
		all = append(all, fmt.Sprintf("%d %s %d %s %g %g", v.Seq, v.Kind, v.TrackID, v.Zone, v.EnteredAt.Sub(dawn).Seconds(), v.DwellS))
	}
	return all
}

func till(loitering time.Duration) *zone.Visits {
	return zone.NewVisits([]zone.Zone{{Name: "till", Loitering: loitering}, {Name: "hall"}})
}

func TestVisits_Scripts_EachOnce(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]struct {
		sightings []*event.Sighting
		want      []string // at the run's end the last of them
	}{
		"enters, leaves": {
			[]*event.Sighting{inside(0, "1"), inside(1, "1 till"), inside(3, "1 till"), inside(4, "1"), inside(13, "1"), inside(13.1, "1"), inside(14, "1")},
			[]string{"10 entered 1 till 1 0", "131 left 1 till 1 2"},
		},
		"flickers for less than ten seconds": {
			[]*event.Sighting{inside(1, "1 till"), inside(2), inside(5, "1"), inside(11, "1 till"), inside(12), inside(21, "1 till"), inside(22)},
			[]string{"10 entered 1 till 1 0", "110 loitering 1 till 1 10", "220 left 1 till 1 20"},
		},
		"enters again later": {
			[]*event.Sighting{inside(1, "1 till"), inside(2, "1"), inside(11.1, "1 till"), inside(12, "1 till")},
			[]string{"10 entered 1 till 1 0", "111 left 1 till 1 0", "111 entered 1 till 11.1 0", "120 left 1 till 11.1 0.9"},
		},
		"lost": {
			[]*event.Sighting{inside(1, "1 till"), inside(2, "1 till"), inside(5), inside(30, "2 till")},
			[]string{"10 entered 1 till 1 0", "300 left 1 till 1 1", "300 entered 2 till 30 0", "300 left 2 till 30 0"},
		},
		"there at the end": {
			[]*event.Sighting{inside(1, "1 till"), inside(2, "1 till")},
			[]string{"10 entered 1 till 1 0", "20 left 1 till 1 1"},
		},
		"several zones and tracks": {
			[]*event.Sighting{inside(1, "1 till,hall", "2 hall"), inside(2, "1 hall", "2 till"), inside(13, "1 hall"), inside(30)},
			[]string{
				"10 entered 1 till 1 0", "10 entered 1 hall 1 0", "10 entered 2 hall 1 0", "20 entered 2 till 2 0",
				"130 left 1 hall 1 1", "130 left 1 till 1 0", "130 left 2 hall 1 0", "130 left 2 till 2 0",
				"130 entered 1 hall 13 0", "300 left 1 hall 13 0",
			},
		},
		"loiters once a visit": {
			[]*event.Sighting{inside(0, "1 till"), inside(4, "1 till"), inside(6, "1 till"), inside(7, "1 till"), inside(20, "1 till"), inside(24, "1 till"), inside(25, "1 till")},
			[]string{
				"0 entered 1 till 0 0", "60 loitering 1 till 0 6", "200 left 1 till 0 7",
				"200 entered 1 till 20 0", "250 loitering 1 till 20 5", "250 left 1 till 20 5",
			},
		},
		"loiters where a threshold is": {
			[]*event.Sighting{inside(0, "1 hall"), inside(6, "1 hall"), inside(9, "1")},
			[]string{"0 entered 1 hall 0 0", "90 left 1 hall 0 6"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := till(5 * time.Second)
			var got []string
			for _, s := range script.sightings {
				got = append(got, said(t, v.Events(s))...)
			}
			require.Equal(t, script.want, append(got, said(t, v.End())...))
			require.Empty(t, v.End())
		})
	}
}

func TestVisits_ThingsWithoutTracks_None(t *testing.T) {
	t.Parallel()
	s := inside(1, "1 till")
	s.Objects[0].TrackID = nil
	v := till(0)
	require.Empty(t, v.Events(s))
	require.Empty(t, v.End())
}

// A thing is in no zone: the visit that it began ends, and says that it was none.
func TestVisits_ThingAfterAWhile_EndSaysSo(t *testing.T) {
	t.Parallel()
	v := till(0)
	require.Len(t, v.Events(inside(1, "1 till", "2 till")), 2)
	thing := inside(5, "1", "2 till")
	thing.Objects[0].State = event.StateThing
	require.Empty(t, v.Events(thing))
	ends := v.Events(inside(12, "1", "2 till"))
	require.Len(t, ends, 1)
	require.True(t, ends[0].Thing)
	require.Equal(t, []string{"120 left 1 till 1 0"}, said(t, ends))
	ends = v.End()
	require.Len(t, ends, 1)
	require.False(t, ends[0].Thing)
}

// Whoever is shown the first sightings again goes on with the events that follow; and the
// ends are the rows that the sightings give, each track's cut where it was away too long.
func TestVisits_ResumedAnywhere_SameEventsAndRows(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 1))
	var script []*event.Sighting
	second := 0.0
	for range 400 {
		second += float64(rng.IntN(40)) / 10 // frames are dropped and skipped
		var tracks []string
		for id := range 4 {
			if zones := []string{"till", "hall", "till,hall", "", ""}[rng.IntN(5)]; rng.IntN(4) == 0 {
				tracks = append(tracks, fmt.Sprint(id, " ", zones))
			}
		}
		script = append(script, inside(second, tracks...))
	}
	run := func(from int) (all []string) {
		v := till(5 * time.Second)
		for i, s := range script {
			if events := said(t, v.Events(s)); i >= from {
				all = append(all, events...)
			}
		}
		return append(all, said(t, v.End())...)
	}
	whole := run(0)
	for _, from := range []int{1, 2, 57, 200, 398, 399, 400} {
		require.Equal(t, whole[len(whole)-len(run(from)):], run(from), "resumed at %d", from)
	}
	ends := make(map[string]bool)
	counts := make(map[string]int)
	for _, e := range whole {
		fields := strings.Fields(e)
		counts[fields[1]]++
		if fields[1] == event.Left {
			ends[strings.Join(fields[2:], " ")] = true
		}
	}
	require.Equal(t, rowsOf(script), ends)
	require.Equal(t, counts[event.Entered], counts[event.Left])
	require.Len(t, ends, counts[event.Left])
	loitering := 0
	for row := range ends {
		if f := strings.Fields(row); f[1] == "till" && dwellOf(f[3]) >= 5 {
			loitering++
		}
	}
	require.Equal(t, loitering, counts[event.Loitering])
	require.Greater(t, loitering, 10)
}

// rowsOf are the visits of sightings as the tables have them: track, zone, second of the
// entry, dwell.
func rowsOf(script []*event.Sighting) map[string]bool {
	times := make(map[string][]time.Time)
	for _, s := range script {
		for _, o := range s.Objects {
			for _, z := range o.Zones {
				k := fmt.Sprint(*o.TrackID, " ", z)
				times[k] = append(times[k], s.CapturedAt.Time)
			}
		}
	}
	rows := make(map[string]bool)
	for _, k := range slices.Sorted(maps.Keys(times)) {
		at := times[k]
		for len(at) > 0 {
			n := 1
			for n < len(at) && at[n].Sub(at[n-1]) <= 10*time.Second {
				n++
			}
			rows[fmt.Sprintf("%s %g %g", k, at[0].Sub(dawn).Seconds(), at[n-1].Sub(at[0]).Seconds())] = true
			at = at[n:]
		}
	}
	return rows
}

func dwellOf(text string) (seconds float64) {
	if _, err := fmt.Sscan(text, &seconds); err != nil {
		panic(err)
	}
	return seconds
}
