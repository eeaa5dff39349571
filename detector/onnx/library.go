package onnx

import (
	"errors"
	"os"
	"path/filepath"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/sightlog/sightlog/usage"
)

// Version is the release of onnxruntime that this program is built for; the
// library's must be the same or newer.
const Version = "1.29.0"

// EnvLibrary names the environment variable with the library's path.
const EnvLibrary = "SIGHTLOG_ONNXRUNTIME"

// FindLibrary returns the path of onnxruntime's shared library: the one given,
// $SIGHTLOG_ONNXRUNTIME, lib/ or lib/sightlog/ beside the program's directory,
// lib/ in it, or the system's.
func FindLibrary(given string) (string, error) {
	const fix = "run make setup, or set " + EnvLibrary + " to libonnxruntime.so." + Version
	if given == "" {
		given = os.Getenv(EnvLibrary)
	}
	if given != "" {
		if _, err := os.Stat(given); err != nil {
			return "", usage.Wrap(err, fix, "onnxruntime: no library at %s", given)
		}
		return given, nil
	}
	dirs := []string{"/usr/local/lib", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/opt/homebrew/lib"}
	if exe, err := os.Executable(); err == nil {
		if target, err := filepath.EvalSymlinks(exe); err == nil {
			exe = target
		}
		dir := filepath.Dir(exe)
		dirs = append([]string{filepath.Join(dir, "..", "lib"), filepath.Join(dir, "..", "lib", "sightlog"), filepath.Join(dir, "lib")}, dirs...)
	}
	for _, dir := range dirs {
		for _, name := range []string{"libonnxruntime.so." + Version, "libonnxruntime." + Version + ".dylib"} {
			if path := filepath.Join(dir, name); isFile(path) {
				return path, nil
			}
		}
	}
	return "", usage.New(fix, "onnxruntime %s is not installed", Version)
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// onnxruntime has one environment for the whole process; load creates it on
// first use. It is never taken down: the library does not stand being loaded
// twice.
var environment struct {
	sync.Mutex // guards the library's own start
}

func load(library string) error {
	environment.Lock()
	defer environment.Unlock()
	if ort.IsInitialized() {
		return nil
	}
	path, err := FindLibrary(library)
	if err != nil {
		return err
	}
	ort.SetSharedLibraryPath(path)
	if err := ort.InitializeEnvironment(ort.WithLogLevelFatal()); err != nil {
		return usage.Wrap(err, "run make setup", "onnxruntime: %s is not release %s or does not load here", path, Version)
	}
	if err := ort.DisableTelemetry(); err != nil {
		return errors.New("onnxruntime: its telemetry cannot be turned off")
	}
	return nil
}
