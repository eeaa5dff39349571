package track_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/detector/track"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// known is a person of a reference in one frame.
type known struct {
	name string
	box  event.Box
}

func readReference(t *testing.T, path string) (byFrame map[int64][]known, last int64) {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	byFrame = map[int64][]known{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if lines.Text()[0] == '#' {
			continue
		}
		var k known
		_, err := fmt.Sscan(lines.Text(), &last, &k.name, &k.box[0], &k.box[1], &k.box[2], &k.box[3])
		require.NoError(t, err)
		byFrame[last] = append(byFrame[last], k)
	}
	return byFrame, last
}

func overlap(a, b event.Box) float32 {
	w, h := min(a[2], b[2])-max(a[0], b[0]), min(a[3], b[3])-max(a[1], b[1])
	if w <= 0 || h <= 0 {
		return 0
	}
	return w * h / ((a[2]-a[0])*(a[3]-a[1]) + (b[2]-b[0])*(b[3]-b[1]) - w*h)
}

// score counts as CLEAR MOT does (Bernardin and Stiefelhagen, 2008): a switch
// is a person whose number is another than the last one; a fragmentation is a
// person who is found again after not having been found.
type score struct{ places, found, switches, fragmentations, people, numbers int }

// pair gives people the numbers of the tracks that are where they are, one
// each: first who still is where the last number says, then whoever overlaps.
func pair(people []known, objs []event.Object, last map[string]int64) map[string]int64 {
	match, used := map[string]int64{}, map[int64]bool{}
	for _, again := range []bool{true, false} {
		for _, k := range people {
			if match[k.name] != 0 {
				continue
			}
			most := float32(0.4)
			for _, o := range objs {
				if o.TrackID == nil || used[*o.TrackID] || again && *o.TrackID != last[k.name] {
					continue
				}
				if v := overlap(o.Box, k.box); v > most {
					match[k.name], most = *o.TrackID, v
				}
			}
			used[match[k.name]] = true
		}
	}
	return match
}

func TestPeopleKeepTheirNumbers(t *testing.T) {
	lib, err := onnx.FindLibrary("")
	if err != nil {
		lib = filepath.Join(testenv.Root(), "lib", "libonnxruntime.so."+onnx.Version)
		if _, err := os.Stat(lib); err != nil {
			testenv.Skip(t, "onnxruntime is not installed: make setup")
		}
	}
	for _, c := range []struct {
		clip, reference, model string
		most                   score // found: at least
	}{
		{"vtest.avi", "vtest.txt", "yolox_nano.onnx", score{found: 138, switches: 1, fragmentations: 3}},
		{"vtest.avi", "vtest.txt", "rtmdet_nano_person.onnx", score{found: 138, switches: 2, fragmentations: 3}},
		{"one-by-one-person-detection.mp4", "one-by-one.txt", "rtmdet_nano_person.onnx", score{found: 60, switches: 0, fragmentations: 0}},
	} {
		t.Run(c.clip+" "+c.model, func(t *testing.T) {
			reference, last := readReference(t, filepath.Join("testdata", c.reference))
			s, err := onnx.Open(testenv.Data(t, "models/"+c.model), onnx.Options{Library: lib, Threads: 1})
			require.NoError(t, err)
			defer s.Close()
			d, err := detector.New(s, detector.Options{Classes: []string{"person"}, Score: track.Low})
			require.NoError(t, err)
			src, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: testenv.Data(t, "video/"+c.clip)}, ingest.Options{Pace: ingest.Fast})
			require.NoError(t, err)
			defer src.Close()

			tr := track.New(track.Options{})
			var got score
			number, lost := map[string]int64{}, map[string]bool{}
			numbers := map[int64]bool{}
			var objs []event.Object
			for {
				var f ingest.Frame
				if err := src.Next(context.Background(), &f); errors.Is(err, io.EOF) || f.Seq > last {
					break
				}
				objs, err = d.Detect(&f, objs)
				require.NoError(t, err)
				objs = tr.Update(objs, f.PTS)
				match := pair(reference[f.Seq], objs, number)
				for _, k := range reference[f.Seq] {
					got.places++
					id := match[k.name]
					if id == 0 {
						lost[k.name] = number[k.name] != 0
						continue
					}
					got.found++
					numbers[id] = true
					if was := number[k.name]; was != 0 && was != id {
						got.switches++
						t.Logf("frame %d: %s was %d, is %d", f.Seq, k.name, was, id)
					}
					if lost[k.name] {
						got.fragmentations++
						t.Logf("frame %d: %s is found again", f.Seq, k.name)
					}
					number[k.name], lost[k.name] = id, false
				}
			}
			got.people, got.numbers = len(number), len(numbers)
			t.Logf("%d places of %d people: %d found, %d switches, %d fragmentations, %d numbers", got.places, got.people, got.found, got.switches, got.fragmentations, got.numbers)
			require.GreaterOrEqual(t, got.found, c.most.found)
			require.LessOrEqual(t, got.switches, c.most.switches)
			require.LessOrEqual(t, got.fragmentations, c.most.fragmentations)
		})
	}
}
