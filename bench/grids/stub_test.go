package grids_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/grids"
	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/tinyonnx"
)

// stub builds the model: rows of x1, y1, x2, y2, score and class.
func stub() []byte {
	const people, side = 6, 320
	g := &tinyonnx.Graph{Metadata: map[string]string{"names": "{0: 'person'}"}}
	g.Input("images", tinyonnx.Float32, 1, 3, side, side)
	var rows []float32
	for i := range people {
		x := float32(10 + 50*i)
		rows = append(rows, x, 120, x+30, 200, 0.9, 0)
	}
	g.Floats("people", rows, 1, people, 6)
	g.Node("Identity", []string{"people"}, []string{"output0"}, nil)
	g.Output("output0", tinyonnx.Float32, 1, people, 6)
	return g.Bytes()
}

// The file is what stub builds (UPDATE=1 writes it), and finds six people in any frame.
func TestStub_AnyFrame_SixPeople(t *testing.T) {
	t.Parallel()
	if os.Getenv("UPDATE") != "" {
		require.NoError(t, os.WriteFile("stub-fixed-time.onnx", stub(), 0o644))
	}
	require.Equal(t, stub(), grids.Stub)
	file := filepath.Join(t.TempDir(), "stub-fixed-time.onnx")
	require.NoError(t, os.WriteFile(file, grids.Stub, 0o644))
	m := onnxtest.Open(t, file)
	d, err := detector.New(m, detector.Options{Classes: []string{event.Person}, Score: m.Spec().Score})
	require.NoError(t, err)
	src, err := ingest.Open(t.Context(), ingest.Spec{ID: "t", URI: "test://people?frames=2"}, ingest.Options{Pace: ingest.Fast})
	require.NoError(t, err)
	defer src.Close()
	var f ingest.Frame
	for range 2 {
		require.NoError(t, src.Next(t.Context(), &f))
		objects, err := d.Detect(&f, nil)
		require.NoError(t, err)
		require.Len(t, objects, 6)
	}
}
