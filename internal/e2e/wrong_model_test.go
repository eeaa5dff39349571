package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/tinyonnx"
)

// constant is an ONNX file of a detector for 128x128 that gives the same box, with the same
// score, whatever the picture.
func constant(box [4]float32, score float32) []byte {
	var g tinyonnx.Graph
	g.Metadata = map[string]string{"decoder": "sightlog", "names": "person", "side": "128", "threshold": "0.5"}
	g.Input("images", tinyonnx.Float32, 1, 3, 128, 128)
	g.Floats("b", box[:], 1, 1, 4)
	g.Floats("s", []float32{score}, 1, 1, 1)
	g.Node("Identity", []string{"b"}, []string{"boxes"}, nil)
	g.Node("Identity", []string{"s"}, []string{"scores"}, nil)
	g.Output("boxes", tinyonnx.Float32, 1, 1, 4)
	g.Output("scores", tinyonnx.Float32, 1, 1, 1)
	return g.Bytes()
}

// A run reports, in one line for each camera, that its model finds nothing while people
// walk, or only boxes as large as the frame: it is fed or read the wrong way.
func TestRun_ModelThatFindsNothingOrWholeFrames_IsReportedOnce(t *testing.T) {
	t.Parallel()
	const nothing, whole = "nothing was detected so far, while something moved", "every detection so far is as large as the frame"
	for name, c := range map[string]struct {
		model []byte
		says  string
	}{
		"nothing":      {constant([4]float32{8, 8, 60, 120}, 0.25), nothing + `.* highest_score=0.25 `},
		"whole frames": {constant([4]float32{0, 0, 128, 128}, 0.9), whole},
		"something":    {constant([4]float32{8, 8, 60, 120}, 0.9), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := filepath.Join(t.TempDir(), "model.onnx")
			require.NoError(t, os.WriteFile(model, c.model, 0o644))
			r := do(t, sightlog, "run", "--model", model, "--source", "door=test://people?size=128x128&people=4&frames=300", "--pace", "fast",
				"--data", dataDir(t), "--database-url", databaseURL(t))
			require.Zero(t, r.code, "%s%s", r.stdout, r.stderr)
			if c.says != "" {
				require.Len(t, regexp.MustCompile(c.says).FindAllString(r.stderr, -1), 1, r.stderr)
			}
			require.Len(t, regexp.MustCompile(nothing+"|"+whole).FindAllString(r.stderr, -1), min(len(c.says), 1), r.stderr)
		})
	}
}
