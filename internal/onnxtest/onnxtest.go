// Package onnxtest opens models for tests.
package onnxtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector/onnx"
	"github.com/sightlog/sightlog/internal/testenv"
)

// Library returns the path of onnxruntime and skips the test where it is not
// installed.
func Library(t testing.TB) string {
	t.Helper()
	if path, err := onnx.FindLibrary(""); err == nil {
		return path
	}
	path := filepath.Join(testenv.Root(), "lib", "libonnxruntime.so."+onnx.Version)
	if _, err := os.Stat(path); err != nil {
		testenv.Skip(t, "onnxruntime is not installed: make setup")
	}
	return path
}

// Open opens a model by the path of its file, on one thread; the test closes it.
func Open(t testing.TB, path string) *onnx.Session {
	t.Helper()
	s, err := onnx.Open(path, onnx.Options{Library: Library(t), Threads: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// Own opens person-nano, which is in the repository.
func Own(t testing.TB) *onnx.Session {
	t.Helper()
	return Open(t, filepath.Join(testenv.Root(), "models", "person-nano.onnx"))
}
