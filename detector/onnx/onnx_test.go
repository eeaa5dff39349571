package onnx_test

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/internal/onnxtest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/internal/tinyonnx"
	"github.com/sightlog/sightlog/usage"
)

// graph is a picture in and one output of that shape, a constant.
func graph(input []int64, output ...int64) *tinyonnx.Graph {
	var g tinyonnx.Graph
	g.Input("images", tinyonnx.Float32, input...)
	n := int64(1)
	for _, d := range output {
		n *= d
	}
	g.Floats("c", make([]float32, n), output...)
	g.Node("Identity", []string{"c"}, []string{"output"}, nil)
	g.Output("output", tinyonnx.Float32, output...)
	return &g
}

func TestOpen_BadModel_UsageError(t *testing.T) {
	t.Parallel()
	lib := onnxtest.Library(t)
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, b, 0o600))
		return path
	}
	classifier := graph([]int64{1, 3, 224, 224}, 1, 1000)
	twoPictures := graph([]int64{1, 3, 64, 64}, 1, 84, 6)
	twoPictures.Input("more", tinyonnx.Float32, 1, 3, 64, 64)
	grey := graph([]int64{1, 64, 64, 1}, 1, 84, 6)
	var manyClasses tinyonnx.Graph
	manyClasses.Input("images", tinyonnx.Float32, 1, 3, 416, 416)
	manyClasses.Floats("c", []float32{0}, 1, 1, 1)
	manyClasses.Ints("shape", []int64{1, 3549, 20_005}, 3)
	manyClasses.Node("Expand", []string{"c", "shape"}, []string{"output"}, nil)
	manyClasses.Output("output", tinyonnx.Float32, 1, 3549, 20_005)
	actual := graph([]int64{1, 3, 64, 64}, 1, 84, 84).Bytes()

	for _, c := range []struct{ path, says string }{
		{filepath.Join(dir, "missing.onnx"), "cannot be read"},
		{dir, "not a file"},
		{write("text.onnx", []byte("This is not a model.\n")), "not an ONNX file"},
		{write("empty.onnx", nil), "not an ONNX file"},
		{write("cut.onnx", actual[:len(actual)/2]), "not an ONNX file"},
		{write("classifier.onnx", classifier.Bytes()), "no detector: no decoder knows outputs like output [1 1000]"},
		{write("two.onnx", twoPictures.Bytes()), "no detector: its 2 inputs"},
		{write("grey.onnx", grey.Bytes()), "no detector: its input images [1 64 64 1] is not a picture"},
		{write("classes.onnx", manyClasses.Bytes()), "no detector: 20000 classes"},
	} {
		_, err := onnx.Open(c.path, onnx.Options{Library: lib})
		require.Truef(t, usage.Is(err), "%s: %v", c.path, err)
		require.Contains(t, err.Error(), c.says)
		require.NotContains(t, err.Error(), "\n")
	}
}

// Weights can lie in a file of their own; where that is not there, or is cut
// short, the file is named and not the model.
func TestOpen_WeightsBesideTheModel_MissingOnesAreNamed(t *testing.T) {
	t.Parallel()
	var g tinyonnx.Graph
	g.Input("images", tinyonnx.Float32, 1, 3, 64, 64)
	g.External("c", "model.onnx.data", 1, 5, 84)
	g.Node("Identity", []string{"c"}, []string{"output"}, nil)
	g.Output("output", tinyonnx.Float32, 1, 5, 84)
	dir := t.TempDir()
	model, data := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "model.onnx.data")
	require.NoError(t, os.WriteFile(model, g.Bytes(), 0o600))
	for size, says := range map[int]string{-1: "model.onnx.data, which is not there", 10: "which is cut short", 4 * 5 * 84: ""} {
		if size >= 0 {
			require.NoError(t, os.WriteFile(data, make([]byte, size), 0o600))
		} else {
			require.NoError(t, os.RemoveAll(data))
		}
		s, err := onnx.Open(model, onnx.Options{Library: onnxtest.Library(t)})
		if says == "" {
			require.NoError(t, err)
			require.NoError(t, s.Close())
			continue
		}
		require.Truef(t, usage.Is(err), "%d bytes: %v", size, err)
		require.Contains(t, err.Error(), says)
		require.NotContains(t, err.Error(), "\n")
	}
}

// Outputs of other types than f32 and i64 are turned into them, or named.
func TestOpen_TypesOfOutputs_AreReadOrNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		elem  int
		shape []int64
		says  string
	}{
		{tinyonnx.Float16, []int64{1, 5, 84}, ""},
		{tinyonnx.Float16, []int64{-1, 5, 84}, ""},
		{tinyonnx.Float64, []int64{1, 5, -1}, ""},
		{tinyonnx.BFloat16, []int64{1, 5, 84}, "bfloat16"},
		{tinyonnx.Uint8, []int64{1, 5, 84}, "u8"},
	} {
		var g tinyonnx.Graph
		g.Metadata = map[string]string{"names": "['person']"}
		g.Input("images", tinyonnx.Float32, 1, 3, 64, 64)
		values := make([]float32, 5*84)
		for i := range values {
			values[i] = float32(i) / 256
		}
		g.Floats("c", values, 1, 5, 84)
		g.Node("Cast", []string{"c"}, []string{"output"}, map[string]any{"to": int64(c.elem)})
		g.Output("output", c.elem, c.shape...)
		s, err := onnx.OpenBytes(g.Bytes(), onnx.Options{Name: "m", Library: onnxtest.Library(t)})
		if c.says != "" {
			require.Truef(t, usage.Is(err), "%+v: %v", c, err)
			require.Contains(t, err.Error(), c.says)
			continue
		}
		require.NoError(t, err, "%+v", c)
		for range 2 {
			out, err := s.Run(&detector.Tensor{Shape: []int64{1, 3, 64, 64}, F32: make([]float32, 3*64*64)})
			require.NoError(t, err)
			require.Equal(t, []int64{1, 5, 84}, out[0].Shape)
			require.Equal(t, values, out[0].F32, "f16 holds these exactly")
		}
		require.NoError(t, s.Close())
	}
}

func TestRun_InputSizeChanges_OutputsFollow(t *testing.T) {
	t.Parallel()
	// A mean over cells of 8x8 in three channels, two of them turned into five
	// rows: [1,5,N], the least that looks like a detector.
	var g tinyonnx.Graph
	g.Input("images", tinyonnx.Float32, 1, 3, -1, -1)
	w := make([]float32, 5*3*8*8)
	for i := range w {
		w[i] = 1.0 / (3 * 8 * 8)
	}
	g.Floats("w", w, 5, 3, 8, 8)
	g.Ints("shape", []int64{1, 5, -1}, 3)
	g.Node("Conv", []string{"images", "w"}, []string{"y"}, map[string]any{"strides": []int64{8, 8}, "kernel_shape": []int64{8, 8}})
	g.Node("Reshape", []string{"y", "shape"}, []string{"output0"}, nil)
	g.Output("output0", tinyonnx.Float32, 1, 5, -1)
	g.Metadata = map[string]string{"names": "{0: 'person'}", "stride": "16"}
	s, err := onnx.OpenBytes(g.Bytes(), onnx.Options{Library: onnxtest.Library(t), Name: "cells"})
	require.NoError(t, err)
	defer s.Close()
	require.Equal(t, "yolov8", s.Spec().Decoder)
	require.Equal(t, []string{"person"}, s.Spec().Classes)
	require.Equal(t, 16, s.Spec().Stride)
	require.Len(t, s.Spec().SHA256, 64)
	require.Equal(t, "cpu", s.Provider())

	for _, size := range [][2]int64{{64, 32}, {32, 32}, {64, 32}} {
		in := &detector.Tensor{Shape: []int64{1, 3, size[1], size[0]}, F32: make([]float32, 3*size[0]*size[1])}
		for run := range 3 {
			for i := range in.F32 {
				in.F32[i] = float32(run + 1)
			}
			out, err := s.Run(in)
			require.NoError(t, err)
			require.Len(t, out, 1)
			require.Equal(t, []int64{1, 5, size[0] * size[1] / 64}, out[0].Shape)
			for _, v := range out[0].F32 {
				require.Less(t, math.Abs(float64(v)-float64(run+1)), 1e-4)
			}
		}
	}
	require.NoError(t, s.Close())
	_, err = s.Run(&detector.Tensor{Shape: []int64{1, 3, 8, 8}, F32: make([]float32, 192)})
	require.Error(t, err)
}

func TestFindLibrary_Missing_ErrorNamesTheFix(t *testing.T) {
	_, err := onnx.FindLibrary(filepath.Join(t.TempDir(), "libonnxruntime.so"))
	require.True(t, usage.Is(err))
	require.Contains(t, err.Error(), "make setup")
}

func TestShare_SessionsAtOnce_SameOutputs(t *testing.T) {
	t.Parallel()
	first, err := onnx.Open(testenv.Data(t, "models/yolox_nano.onnx"), onnx.Options{Library: onnxtest.Library(t), Threads: 1})
	require.NoError(t, err)
	input := func(v float32) *detector.Tensor {
		in := &detector.Tensor{Shape: []int64{1, 3, 416, 416}, F32: make([]float32, 3*416*416)}
		for i := range in.F32 {
			in.F32[i] = v * float32(i%251)
		}
		return in
	}
	want := map[float32][]float32{}
	for _, v := range []float32{0, 0.5, 1} {
		out, err := first.Run(input(v))
		require.NoError(t, err)
		want[v] = append([]float32(nil), out[0].F32...)
	}
	var wg sync.WaitGroup
	for _, v := range []float32{0, 0.5, 1} {
		s := first.Share()
		wg.Go(func() {
			in := input(v)
			for range 5 {
				out, err := s.Run(in)
				if err != nil || !slices.Equal(want[v], out[0].F32) {
					t.Errorf("input %v: err %v, or another's output", v, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	require.NoError(t, first.Close()) // the others live on
	wg.Wait()
}
