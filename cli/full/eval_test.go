package full

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/cli"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/tinyonnx"
	"github.com/sightlog/sightlog/usage"
)

// evalWorld is a directory with a grey picture of 128x128, its labels, one
// Person at 4..12, and a model with a free input of 128 by default that always
// answers with a box at 8..24 of its input.
func evalWorld(t *testing.T) (dir string) {
	t.Helper()
	t.Setenv(onnx.EnvLibrary, onnxtest.Library(t))
	dir = t.TempDir()
	f, err := os.Create(filepath.Join(dir, "a.png"))
	require.NoError(t, err)
	require.NoError(t, png.Encode(f, image.NewRGBA(image.Rect(0, 0, 128, 128))))
	require.NoError(t, f.Close())
	write := func(name string, b []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
	write("labels.json", []byte(`{"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "Person"}],
		"annotations": [{"image_id": 1, "category_id": 1, "bbox": [4, 4, 8, 8]}]}`))
	model := func(scores int, size int64) []byte {
		var g tinyonnx.Graph
		g.Metadata = map[string]string{"decoder": "sightlog", "names": "person", "side": "128"}
		g.Input("images", tinyonnx.Float32, 1, 3, size, size)
		g.Floats("b", []float32{8, 8, 24, 24}, 1, 1, 4)
		g.Floats("s", []float32{0.75}, 1, 1, 1)
		g.Node("Identity", []string{"b"}, []string{"boxes"}, nil)
		g.Node("Cast", []string{"s"}, []string{"scores"}, map[string]any{"to": int64(scores)})
		g.Output("boxes", tinyonnx.Float32, 1, 1, 4)
		g.Output("scores", scores, 1, 1, 1)
		return g.Bytes()
	}
	write("free.onnx", model(tinyonnx.Float32, -1))
	write("half.onnx", model(tinyonnx.Float16, -1))
	write("fixed.onnx", model(tinyonnx.Float32, 64))
	var g tinyonnx.Graph
	g.Input("images", tinyonnx.Float32, 1, 3, 64, 64)
	g.External("c", "apart.onnx.data", 1, 5, 84)
	g.Node("Identity", []string{"c"}, []string{"output"}, nil)
	g.Output("output", tinyonnx.Float32, 1, 5, 84)
	write("apart.onnx", g.Bytes())
	return dir
}

func evaluate(t *testing.T, dir, model string, side int) ([]result, error) {
	t.Helper()
	var out, errs bytes.Buffer
	c := EvalCmd{
		Labels: filepath.Join(dir, "labels.json"), Images: dir, Format: "json", trackFlags: trackFlags{Every: 1},
		modelFlags: modelFlags{Model: []string{filepath.Join(dir, model)}, Class: "person", Side: side, Threads: 1},
	}
	if err := c.Run(t.Context(), &cli.Env{Stdout: &out, Stderr: &errs}); err != nil {
		return nil, err
	}
	var v []result
	require.NoError(t, json.Unmarshal(out.Bytes(), &v))
	require.Len(t, v, 1)
	return v, nil
}

// At twice the side a box of the same pixels of the input is half as large in
// the picture.
func TestEval_Side_SetsTheModelsInput(t *testing.T) {
	dir := evalWorld(t)
	for side, ap := range map[int]float64{0: 0, 128: 0, 250: 1} {
		v, err := evaluate(t, dir, "free.onnx", side)
		require.NoError(t, err)
		require.InDelta(t, ap, v[0].AP50, 1e-9, "--side %d", side)
	}
	v, err := evaluate(t, dir, "free.onnx", 250)
	require.NoError(t, err)
	require.Equal(t, 256, v[0].Side, "a multiple of the stride")

	v, err = evaluate(t, dir, "fixed.onnx", 64)
	require.NoError(t, err)
	require.Equal(t, 64, v[0].Side)
	for _, c := range []struct {
		model string
		side  int
		says  string
	}{
		{"fixed.onnx", 96, "takes 64x64 pixels and no other size"},
		{"free.onnx", -1, "--side -1"},
		{"free.onnx", 5000, "--side 5000"},
	} {
		_, err := evaluate(t, dir, c.model, c.side)
		require.ErrorContains(t, err, c.says)
		require.True(t, usage.Is(err))
	}
}

func TestEval_ModelsOfOtherMakes_AreReadOrNamedInOneLine(t *testing.T) {
	dir := evalWorld(t)
	v, err := evaluate(t, dir, "half.onnx", 256)
	require.NoError(t, err, "scores of f16")
	require.InDelta(t, 1, v[0].AP50, 1e-9)

	_, err = evaluate(t, dir, "apart.onnx", 0)
	require.ErrorContains(t, err, "apart.onnx.data, which is not there")
	require.Equal(t, usage.ExitCode, cli.ExitCode(err))
}
