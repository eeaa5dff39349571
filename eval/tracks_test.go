package eval_test

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/eval"
	"github.com/sightlog/sightlog/usage"
)

var writeCases = flag.String("write-cases", "", "directory to write the cases of TestEvaluateTracks_ScriptedTracks_EqualTrackEval to, for testdata/score_cases.py")

// scripted are people who walk across a picture, and tracks of them with mistakes. Its
// numbers are chances in percent.
type scripted struct {
	name                               string
	seed                               uint64
	people, frames                     int
	hidden, ignored, miss, wrong, swap int
	noise                              int // pixels
}

// files returns the ground truth and the tracks in MOT's format.
func (c scripted) files() (truth, found []byte) {
	rng := rand.New(rand.NewPCG(c.seed, 1))
	chance := func(percent int) bool { return rng.IntN(100) < percent }
	var t, f bytes.Buffer
	next := c.people
	numbers := make([]int, c.people)
	for i := range numbers {
		numbers[i] = i + 1
	}
	for frame := 1; frame <= c.frames; frame++ {
		for i := range c.people {
			x, y := 40*i+frame*(3+i%5), 30*i+frame*(i%3)
			if i%2 == 1 {
				x = 600 - x
			}
			if frame < 3*i || chance(c.hidden) {
				continue
			}
			counted := 1
			if chance(c.ignored) {
				counted = 0
			}
			fmt.Fprintf(&t, "%d,%d,%d,%d,%d,%d,%d,-1,-1,-1\n", frame, i+1, x, y, 40, 100, counted)
			if chance(c.swap) {
				if k := rng.IntN(c.people); chance(50) {
					numbers[i], numbers[k] = numbers[k], numbers[i]
				} else {
					next++
					numbers[i] = next
				}
			}
			if chance(c.miss) {
				continue
			}
			d := func() int { return rng.IntN(2*c.noise+1) - c.noise }
			fmt.Fprintf(&f, "%d,%d,%d,%d,%d,%d,0.9,-1,-1,-1\n", frame, numbers[i], x+d(), y+d(), 40+d(), 100+d())
		}
		if chance(c.wrong) {
			next++
			fmt.Fprintf(&f, "%d,%d,%d,%d,41,97,0.9,-1,-1,-1\n", frame, next, rng.IntN(500), rng.IntN(300))
		}
	}
	return t.Bytes(), unique(f.String())
}

// unique leaves out a number's second line in a frame, which a swap can make.
func unique(text string) []byte {
	seen, rest := map[string]bool{}, ""
	for line := range strings.Lines(text) {
		columns := strings.SplitN(line, ",", 3)
		if key := columns[0] + "," + columns[1]; !seen[key] {
			seen[key] = true
			rest += line
		}
	}
	return []byte(rest)
}

func read(t *testing.T, text []byte, truth bool) eval.Tracks {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mot.txt")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	tracks, err := eval.ReadMOT("--tracks", path, truth)
	require.NoError(t, err)
	return tracks
}

// TestEvaluateTracks_ScriptedTracks_EqualTrackEval compares with TrackEval 1.3.0 itself. The values
// were made with
//
//	go test ./eval -run EqualTrackEval -write-cases DIR
//	python eval/testdata/score_cases.py DIR
func TestEvaluateTracks_ScriptedTracks_EqualTrackEval(t *testing.T) {
	for _, c := range []struct {
		scripted
		want eval.TrackScore
	}{
		{scripted{name: "perfect", seed: 1, people: 3, frames: 30}, eval.TrackScore{
			Frames: 30, People: 3, Boxes: 83, Tracks: 3,
			HOTA: 1.000000, DetA: 1.000000, AssA: 1.000000, IDF1: 1.000000, MOTA: 1.000000,
			Switches: 0, False: 0, Missed: 0,
		}},
		{scripted{name: "misses", seed: 2, people: 5, frames: 60, hidden: 10, miss: 30, noise: 4}, eval.TrackScore{
			Frames: 60, People: 5, Boxes: 249, Tracks: 5,
			HOTA: 0.576236, DetA: 0.574116, AssA: 0.578634, IDF1: 0.819905, MOTA: 0.694779,
			Switches: 0, False: 0, Missed: 76,
		}},
		{scripted{name: "switches", seed: 3, people: 6, frames: 80, miss: 10, swap: 6, noise: 6}, eval.TrackScore{
			Frames: 80, People: 6, Boxes: 440, Tracks: 13,
			HOTA: 0.375225, DetA: 0.677240, AssA: 0.208470, IDF1: 0.439665, MOTA: 0.836364,
			Switches: 29, False: 0, Missed: 43,
		}},
		{scripted{name: "false", seed: 4, people: 4, frames: 50, wrong: 60, noise: 10}, eval.TrackScore{
			Frames: 50, People: 4, Boxes: 185, Tracks: 36,
			HOTA: 0.578595, DetA: 0.533415, AssA: 0.628168, IDF1: 0.875622, MOTA: 0.729730,
			Switches: 0, False: 41, Missed: 9,
		}},
		{scripted{name: "ignored", seed: 5, people: 6, frames: 60, ignored: 25, miss: 10, swap: 2, noise: 8}, eval.TrackScore{
			Frames: 60, People: 6, Boxes: 230, Tracks: 10,
			HOTA: 0.353399, DetA: 0.474410, AssA: 0.263680, IDF1: 0.506718, MOTA: 0.500000,
			Switches: 10, False: 83, Missed: 22,
		}},
		{scripted{name: "loose", seed: 6, people: 8, frames: 70, hidden: 5, ignored: 5, miss: 15, wrong: 10, swap: 4, noise: 16}, eval.TrackScore{
			Frames: 70, People: 8, Boxes: 436, Tracks: 22,
			HOTA: 0.275872, DetA: 0.392574, AssA: 0.194500, IDF1: 0.333733, MOTA: 0.121560,
			Switches: 12, False: 166, Missed: 205,
		}},
		{scripted{name: "lone", seed: 7, people: 1, frames: 40, hidden: 40, miss: 50, wrong: 20, swap: 10, noise: 3}, eval.TrackScore{
			Frames: 39, People: 1, Boxes: 21, Tracks: 6,
			HOTA: 0.469644, DetA: 0.497468, AssA: 0.443556, IDF1: 0.615385, MOTA: 0.428571,
			Switches: 1, False: 4, Missed: 7,
		}},
		{scripted{name: "nothing-found", seed: 8, people: 2, frames: 20, miss: 100}, eval.TrackScore{
			Frames: 20, People: 2, Boxes: 38, Tracks: 0,
			HOTA: 0.000000, DetA: 0.000000, AssA: 0.000000, IDF1: 0.000000, MOTA: 0.000000,
			Switches: 0, False: 0, Missed: 38,
		}},
		{scripted{name: "crowd", seed: 9, people: 20, frames: 60, hidden: 3, miss: 12, wrong: 30, swap: 3, noise: 7}, eval.TrackScore{
			Frames: 60, People: 20, Boxes: 631, Tracks: 44,
			HOTA: 0.410193, DetA: 0.628530, AssA: 0.269173, IDF1: 0.529118, MOTA: 0.800317,
			Switches: 34, False: 16, Missed: 76,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			truth, found := c.files()
			if dir := *writeCases; dir != "" {
				require.NoError(t, os.WriteFile(filepath.Join(dir, c.name+".gt.txt"), truth, 0o600))
				require.NoError(t, os.WriteFile(filepath.Join(dir, c.name+".found.txt"), found, 0o600))
			}
			got := eval.EvaluateTracks(read(t, truth, true), read(t, found, false))
			for _, v := range [][2]float64{
				{c.want.HOTA, got.HOTA}, {c.want.DetA, got.DetA}, {c.want.AssA, got.AssA}, {c.want.IDF1, got.IDF1}, {c.want.MOTA, got.MOTA},
			} {
				require.InDelta(t, v[0], v[1], 1e-6, "%+v", got)
			}
			c.want.HOTA, c.want.DetA, c.want.AssA, c.want.IDF1, c.want.MOTA = got.HOTA, got.DetA, got.AssA, got.IDF1, got.MOTA
			require.Equal(t, c.want, got)
		})
	}
}

func TestReadMOT_Faults_NamedWithTheirLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mot.txt")
	for says, text := range map[string]string{
		"line 1: 1 columns separated by commas, and 7":   "hello",
		`line 2: column 3, "x", is not a number`:         "1,1,0,0,5,5,1\n1,2,x,0,5,5,1",
		"line 1: frame 0 is not a whole number":          "0,1,0,0,5,5,1",
		"line 1: frame 1.5 is not a whole number":        "1.5,1,0,0,5,5,1",
		"line 1: frame 99999999999 is not":               "99999999999,1,0,0,5,5,1",
		"line 1: id 1.5 is not":                          "1,1.5,0,0,5,5,1",
		"line 1: the box has a negative size":            "1,1,0,0,-5,5,1",
		"line 3: frame 1 has id 1 twice":                 "1,1,0,0,5,5,1\n\n1,1,0,0,5,5,1",
		`line 1: column 3, "NaN", is not a number in`:    "1,1,NaN,0,5,5,1",
		"after line 0: bufio.Scanner: token too long":    strings.Repeat("1", 1<<17),
		"no boxes; give a file in the text format of th": "\n",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := eval.ReadMOT("--tracks", path, true)
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "--tracks "+path)
		require.True(t, usage.Is(err))
	}
	for _, path := range []string{"/no/such.txt", t.TempDir()} {
		_, err := eval.ReadMOT("--found", path, false)
		require.ErrorContains(t, err, "--found "+path)
		require.True(t, usage.Is(err))
	}
}

func TestReadMOT_Results_UntrackedLinesLeftOut(t *testing.T) {
	got := read(t, []byte("1,-1,0,0,5,5,.9,-1,-1,-1\r\n1,-1,9,9,5,5,.9,-1,-1,-1\n3, 7, 1.5, 2, 3, 4\n"), false)
	require.Equal(t, eval.Tracks{nil, nil, {{ID: 7, Left: 1.5, Top: 2, Width: 3, Height: 4}}}, got)
	require.Equal(t, eval.Tracks{nil, got[2]}, got.Every(2))
	require.Empty(t, read(t, nil, false))
}
