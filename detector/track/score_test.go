package track_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/event"
)

// known is a person of a reference in one frame.
type known struct {
	name   string
	box    event.Box
	hidden bool // may be found, or not
}

func readReference(t *testing.T, path string) map[int64][]known {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	byFrame := map[int64][]known{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if lines.Text()[0] == '#' {
			continue
		}
		var k known
		var seq int64
		_, err := fmt.Sscan(lines.Text(), &seq, &k.name, &k.box[0], &k.box[1], &k.box[2], &k.box[3])
		require.NoError(t, err)
		k.name, k.hidden = strings.CutPrefix(k.name, "~")
		byFrame[seq] = append(byFrame[seq], k)
	}
	return byFrame
}

// intersection returns the common area of two boxes and the area of each.
func intersection(a, b event.Box) (both, ofA, ofB float32) {
	w, h := min(a[2], b[2])-max(a[0], b[0]), min(a[3], b[3])-max(a[1], b[1])
	return max(w, 0) * max(h, 0), (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
}

func overlap(a, b event.Box) float32 {
	both, ofA, ofB := intersection(a, b)
	return both / (ofA + ofB - both)
}

// enough is the overlap from which a track is where a person is, as in MOT.
const enough = 0.5

// score counts as CLEAR MOT does (Bernardin and Stiefelhagen, 2008). A switch
// is a person whose number is another than the last one; a fragmentation is a
// person who is found again after not having been found. Hidden people are
// neither missed nor, if found, false.
type score struct {
	places, found, false, switches, fragmentations int

	number   map[string]int64 // the last one, by person
	lost     map[string]bool
	together map[string]map[int64]int // frames of a person with a number
	numbered int                      // places of tracks that count
}

func newScore() *score {
	return &score{number: map[string]int64{}, lost: map[string]bool{}, together: map[string]map[int64]int{}}
}

// mota is 1 - (missed + false + switches) / places.
func (s *score) mota() float64 {
	return 1 - float64(s.places-s.found+s.false+s.switches)/float64(s.places)
}

// idf1 is how much of places and tracks agree when each person has the one
// number that is best for all (Ristani et al., 2016).
func (s *score) idf1() float64 {
	columns := map[int64]int{}
	for _, ids := range s.together {
		for id := range ids {
			if _, ok := columns[id]; !ok {
				columns[id] = len(columns)
			}
		}
	}
	most := float64(s.places)
	var cost []float64
	for _, ids := range s.together {
		row := make([]float64, len(columns))
		for i := range row {
			row[i] = most
		}
		for id, n := range ids {
			row[columns[id]] = most - float64(n)
		}
		cost = append(cost, row...)
	}
	agreed := 0.0
	for i, j := range track.Assign(cost, len(s.together), len(columns), most) {
		if j >= 0 {
			agreed += most - cost[i*len(columns)+j]
		}
	}
	return 2 * agreed / float64(s.places+s.numbered)
}

// frame counts one frame and tells what happened.
func (s *score) frame(people []known, objs []event.Object, tell func(format string, args ...any)) {
	var tracks []event.Object
	for _, o := range objs {
		if o.TrackID != nil {
			tracks = append(tracks, o)
		}
	}
	match := s.pair(people, tracks)
	taken := map[int64]bool{}
	for _, k := range people {
		id := match[k.name]
		taken[id] = true
		if k.hidden {
			continue
		}
		s.places++
		if id == 0 {
			s.lost[k.name] = s.number[k.name] != 0
			continue
		}
		s.found++
		s.numbered++
		if s.together[k.name] == nil {
			s.together[k.name] = map[int64]int{}
		}
		s.together[k.name][id]++
		if was := s.number[k.name]; was != 0 && was != id {
			s.switches++
			tell("%s was %d, is %d", k.name, was, id)
		}
		if s.lost[k.name] {
			s.fragmentations++
			tell("%s is found again", k.name)
		}
		s.number[k.name], s.lost[k.name] = id, false
	}
	for _, o := range tracks {
		if !taken[*o.TrackID] && !onHidden(people, o.Box) {
			s.false++
			s.numbered++
			tell("%d is nobody at %v", *o.TrackID, o.Box)
		}
	}
}

// onHidden reports whether most of a box is on somebody hidden.
func onHidden(people []known, box event.Box) bool {
	for _, k := range people {
		if both, _, of := intersection(k.box, box); k.hidden && both >= enough*of {
			return true
		}
	}
	return false
}

// pair gives people the numbers of the tracks that are where they are, one
// each: first who still is where the last number says, then whoever overlaps
// most. Hidden people come last.
func (s *score) pair(people []known, tracks []event.Object) map[string]int64 {
	match, used := map[string]int64{}, map[int64]bool{}
	best := func(again, hidden bool) bool {
		var name string
		var id int64
		most := float32(enough)
		for _, k := range people {
			if match[k.name] != 0 || k.hidden != hidden {
				continue
			}
			for _, o := range tracks {
				if used[*o.TrackID] || again && *o.TrackID != s.number[k.name] {
					continue
				}
				if v := overlap(o.Box, k.box); v >= most {
					name, id, most = k.name, *o.TrackID, v
				}
			}
		}
		if id != 0 {
			match[name], used[id] = id, true
		}
		return id != 0
	}
	for _, hidden := range []bool{false, true} {
		for _, again := range []bool{true, false} {
			for best(again, hidden) {
			}
		}
	}
	return match
}

func TestScore_HandMadeTracks_CountsRight(t *testing.T) {
	t.Parallel()
	numbered := func(id int64, x float32) event.Object {
		o := person(x, 0, .9)
		o.TrackID = &id
		return o
	}
	at := func(name string, x float32) known { return known{name: name, box: person(x, 0, 1).Box} }
	hidden := at("b", 200)
	hidden.hidden = true
	s := newScore()
	for _, f := range []struct {
		people []known
		tracks []event.Object
	}{
		{[]known{at("a", 0), at("b", 100)}, []event.Object{numbered(1, 2), numbered(2, 103)}},
		{[]known{at("a", 10), at("b", 110)}, []event.Object{numbered(1, 10), numbered(9, 500)}},               // b missed, 9 false
		{[]known{at("a", 20), at("b", 120)}, []event.Object{numbered(1, 20), numbered(2, 120)}},               // b found again
		{[]known{at("a", 30), hidden}, []event.Object{numbered(1, 30), numbered(8, 205)}},                     // on somebody hidden
		{[]known{at("a", 40), at("b", 140)}, []event.Object{numbered(1, 40), numbered(3, 140)}},               // b switched
		{[]known{at("a", 100), at("b", 110)}, []event.Object{numbered(1, 112), numbered(3, 110)}},             // each keeps its own
		{[]known{at("a", 100), at("b", 200)}, []event.Object{numbered(3, 200), {Box: person(700, 0, 1).Box}}}, // a missed; without a number
	} {
		s.frame(f.people, f.tracks, t.Logf)
	}
	require.Equal(t, []int{13, 11, 1, 1, 1}, []int{s.places, s.found, s.false, s.switches, s.fragmentations})
	require.InDelta(t, 1-4.0/13, s.mota(), 1e-9)
	// a with 1: 6 places; b with 3: 3 places; 12 places of tracks.
	require.InDelta(t, 2*9.0/(13+12), s.idf1(), 1e-9)
}
