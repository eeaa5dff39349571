package models

import (
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/sightlog/sightlog/internal/atomicfile"
)

// trial is what the file keeps: a trial counts for the machine, the models and the
// program that it was made with.
type trial struct {
	Processor string  `json:"processor"`
	Models    string  `json:"models"` // SHA-256 of both
	Gain      float64 `json:"gain"`   // how many times as fast Int8 is as Default
}

// Trial returns how many times as fast Int8 is as Default on this machine, if that was
// tried and remembered.
func Trial() (gain float64, known bool) {
	path, err := trialFile()
	if err != nil {
		return 0, false
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, false
	}
	var t trial
	if json.Unmarshal(content, &t) != nil {
		return 0, false
	}
	gain, t.Gain = t.Gain, 0
	return gain, t == present() && gain > 0
}

// RememberTrial keeps the outcome of a trial in the user's cache.
func RememberTrial(gain float64) error {
	path, err := trialFile()
	if err != nil {
		return err
	}
	t := present()
	t.Gain = gain
	content, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(path, append(content, '\n'), 0o644)
}

// present is a trial of this machine and program, without its outcome.
func present() trial {
	t := trial{Processor: runtime.GOARCH, Models: inProgram()[Default].SHA256 + " " + inProgram()[Int8].SHA256}
	info, _ := os.ReadFile("/proc/cpuinfo") // without it the architecture must do
	for line := range strings.SplitSeq(string(info), "\n") {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			t.Processor = strings.TrimSpace(value)
			break
		}
	}
	return t
}

// trialFile is beside the models that were pulled.
func trialFile() (string, error) {
	dir, err := cacheDir()
	return filepath.Join(dir, "trial.json"), err
}
