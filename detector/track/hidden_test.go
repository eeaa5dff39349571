package track_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/testenv"
)

// follow tracks the boxes of a ground truth at 10 frames a second, of which every so many are seen, without
// those of one person in frames from to until-1, and returns the number of the box of each frame of theirs.
func follow(truth eval.Tracks, every int, person int64, from, until int) map[int]int64 {
	tr, numbers := track.New(track.Options{High: .3}), map[int]int64{}
	begin, end := max(0, from-30)/every*every, min(len(truth), until+20)
	for i := begin; i < end; i += every {
		var objs []event.Object
		for _, b := range truth[i] {
			if b.ID != person || i < from || i >= until {
				box := event.Box{float32(b.Left), float32(b.Top), float32(b.Left + b.Width), float32(b.Top + b.Height)}
				objs = append(objs, event.Object{Label: "person", Score: .9, Box: box})
			}
		}
		at := func(o *event.Object) bool {
			for _, b := range truth[i] {
				if b.ID == person && o.Box[0] == float32(b.Left) && o.Box[1] == float32(b.Top) && o.Box[3] == float32(b.Top+b.Height) {
					return true
				}
			}
			return false
		}
		objs = tr.Update(objs, event.Size{Width: 768, Height: 576}, time.Duration(i)*interval)
		for k := range objs {
			if objs[k].TrackID != nil && at(&objs[k]) {
				numbers[i] = *objs[k].TrackID
			}
		}
	}
	return numbers
}

// Each person of a street, where others walk by, is hidden in turn for so long, ten times a minute:
// how many have their number again afterwards.
func TestTracker_HiddenOnAStreet_NumberKept(t *testing.T) {
	t.Parallel()
	truth, err := eval.ReadMOT("truth", testenv.Data(t, "video/vtest.gt.txt"), true)
	require.NoError(t, err)
	there := map[int64]map[int]bool{}
	for i, boxes := range truth {
		for _, b := range boxes {
			if there[b.ID] == nil {
				there[b.ID] = map[int]bool{}
			}
			there[b.ID][i] = true
		}
	}
	for _, c := range []struct {
		frames int // hidden
		least  [3]float64
	}{ // counted were all, all, 65, 64 and 63 of 66, and 62, 63 and 63 of 65
		{5, [3]float64{1, 1, 1}}, {10, [3]float64{1, 1, 1}}, {15, [3]float64{.96, .95, .94}}, {19, [3]float64{.93, .95, .95}},
	} {
		for k, every := range []int{1, 2, 4} { // 10, 5 and 2.5 frames a second
			kept, all := 0, 0
			for person, at := range there {
				for from := 40; from < len(truth); from += 60 {
					until, whole := from+c.frames, true
					for i := from - 20; i < until+12; i++ {
						whole = whole && at[i]
					}
					if !whole {
						continue
					}
					numbers := follow(truth, every, person, from, until)
					before, after := numbers[(from-1)/every*every], numbers[(until+11)/every*every]
					if before == 0 {
						continue
					}
					all++
					if before == after {
						kept++
					}
				}
			}
			t.Logf("hidden for %.1f s, every %d: %d of %d", float64(c.frames)/10, every, kept, all)
			require.Greater(t, all, 40)
			require.GreaterOrEqual(t, float64(kept)/float64(all), c.least[k], "%.1f s, every %d", float64(c.frames)/10, every)
		}
	}
}
