package onnx_test

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/tinyonnx"
)

// A pin that is collected before it is undone makes the runtime panic, in the goroutine
// of the finalizers.
func TestClose_BoundAndEvictedInputs_NoPinIsLeft(t *testing.T) {
	lib := onnxtest.Library(t)
	for _, elem := range []int{tinyonnx.Float32, tinyonnx.Float16} {
		runAndClose(t, lib, elem)
	}
	collectAll()
}

// runAndClose binds more inputs than a session keeps, and closes it.
func runAndClose(t *testing.T, lib string, elem int) {
	t.Helper()
	var g tinyonnx.Graph
	g.Metadata = map[string]string{"names": "['person']"}
	g.Input("images", elem, 1, 3, 64, 64)
	g.Floats("c", make([]float32, 5*84), 1, 5, 84)
	g.Node("Cast", []string{"c"}, []string{"output"}, map[string]any{"to": int64(elem)})
	g.Output("output", elem, 1, 5, 84)
	s, err := onnx.OpenBytes(g.Bytes(), onnx.Options{Name: "m", Library: lib, Threads: 1})
	require.NoError(t, err)
	for range 12 {
		_, err := s.Run(&detector.Tensor{Shape: []int64{1, 3, 64, 64}, F32: make([]float32, 3*64*64)})
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
}

// collectAll returns when the finalizers of all that was unreachable have run.
func collectAll() {
	for range 3 {
		ran := make(chan struct{})
		runtime.SetFinalizer(&struct{ p *int }{new(int)}, func(any) { close(ran) })
		runtime.GC()
		<-ran
	}
}
