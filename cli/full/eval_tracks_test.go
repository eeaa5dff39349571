package full

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/usage"
)

// The model of evalWorld always sees a box at 8,8 of 16x16 in the input, which is the
// picture's own pixels at --side 128.
func TestEval_TracksOfASource_ScoredOnTheFramesUsed(t *testing.T) {
	dir := evalWorld(t)
	truth := filepath.Join(dir, "gt.txt")
	require.NoError(t, os.WriteFile(truth, []byte("1,5,8,8,16,16,1,-1,-1,-1\n2,5,60,60,16,16,1,-1,-1,-1\n3,5,8,8,16,16,1,-1,-1,-1\n"), 0o600))
	clip := filepath.Join(dir, "clip")
	require.NoError(t, os.Mkdir(clip, 0o700))
	picture, err := os.ReadFile(filepath.Join(dir, "a.png"))
	require.NoError(t, err)
	for _, name := range []string{"1.png", "2.png", "3.png"} {
		require.NoError(t, os.WriteFile(filepath.Join(clip, name), picture, 0o600))
	}
	for every, want := range map[int][2]int{1: {3, 1}, 2: {2, 0}} { // frames, missed
		var out bytes.Buffer
		c := EvalCmd{
			trackFlags: trackFlags{Tracks: truth, Source: clip, Every: every}, Format: "json",
			modelFlags: modelFlags{Model: []string{filepath.Join(dir, "free.onnx")}, Class: "person", Side: 128, Threads: 1},
		}
		require.NoError(t, c.Run(t.Context(), &cli.Env{Stdout: &out, Stderr: &out}))
		var v []tracksResult
		require.NoError(t, json.Unmarshal(out.Bytes(), &v))
		require.Len(t, v, 1)
		require.Equal(t, want, [2]int{v[0].Frames, v[0].Missed}, "--every %d", every)
		require.Equal(t, []int{1, 1, 0}, []int{v[0].People, v[0].Tracks, v[0].Switches})
		require.Equal(t, want[1] == 0, v[0].HOTA > 0.999 && v[0].IDF1 > 0.999, "%+v", v[0])
	}
}

func TestEval_TracksOfFiles_ALineEach(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	truth := write("gt.txt", "1,1,0,0,10,10,1,-1,-1,-1\n2,1,0,0,10,10,1,-1,-1,-1\n2,2,50,0,10,10,0,-1,-1,-1\n")
	same := write("same.txt", "1,7,0,0,10,10,.9,-1,-1,-1\n2,7,0,0,10,10,.9,-1,-1,-1\n2,-1,50,0,10,10,.9,-1,-1,-1\n")
	other := write("other.txt", "1,7,0,0,10,10,.9,-1,-1,-1\n2,8,0,0,10,10,.9,-1,-1,-1\n")
	var out bytes.Buffer
	c := EvalCmd{trackFlags: trackFlags{Tracks: truth, Found: []string{same, other}, Every: 1}, Format: "table"}
	require.NoError(t, c.Run(t.Context(), &cli.Env{Stdout: &out, Stderr: &out}))
	require.Regexp(t, `HOTA.*\n.*same.txt +2 +1.000 +1.000 +1.000 +1.000 +1.000 +0 +0 +0/2 +1/1\n.*other.txt +2 +0.707 +1.000 +0.500 +0.500 +0.500 +1 +0 +0/2 +2/1\n`, out.String())
}

func TestEval_FlagsOfTracks_FaultsAreOneLine(t *testing.T) {
	dir := t.TempDir()
	truth := filepath.Join(dir, "gt.txt")
	require.NoError(t, os.WriteFile(truth, []byte("1,1,0,0,10,10,1\n"), 0o600))
	bad := filepath.Join(dir, "bad.txt")
	require.NoError(t, os.WriteFile(bad, []byte("a\n"), 0o600))
	for says, c := range map[string]EvalCmd{
		"neither --labels nor --tracks":   {},
		"--labels without --images":       {Labels: "l"},
		"are of --tracks":                 {Labels: "l", Images: "d", trackFlags: trackFlags{Found: []string{truth}}},
		"--images is of --labels":         {Images: "d", trackFlags: trackFlags{Tracks: truth}},
		"neither --source nor --found":    {trackFlags: trackFlags{Tracks: truth}},
		"--every 0":                       {trackFlags: trackFlags{Tracks: truth, Source: "a.avi"}},
		"bad.txt: line 1":                 {trackFlags: trackFlags{Tracks: truth, Found: []string{bad}, Every: 1}},
		"--tracks /no/such: no such file": {trackFlags: trackFlags{Tracks: "/no/such", Found: []string{truth}, Every: 1}},
		"--found /no/such2: no such file": {trackFlags: trackFlags{Tracks: truth, Found: []string{"/no/such2"}, Every: 1}},
		"live and has no ground truth":    {trackFlags: trackFlags{Tracks: truth, Source: "rtsp://localhost/x", Every: 1}, modelFlags: modelFlags{Model: []string{"person-nano"}, Class: "person"}},
		`unknown model "no-such-model"`:   {trackFlags: trackFlags{Tracks: truth, Source: truth, Every: 1}, modelFlags: modelFlags{Model: []string{"no-such-model"}}},
	} {
		var out bytes.Buffer
		err := c.Run(t.Context(), &cli.Env{Stdout: &out, Stderr: &out})
		require.ErrorContains(t, err, says)
		require.Equal(t, usage.ExitCode, cli.ExitCode(err))
	}
}
