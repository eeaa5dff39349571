package bench

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/sightlog/sightlog/bench/result"
)

// inputsOf hashes the files that are read: other files, other figures.
func inputsOf(cfg Config) (all []result.Input, err error) {
	for _, path := range cfg.Clips {
		in, is, err := inputOf("clip", path)
		if err != nil {
			return nil, err
		}
		if is && !slices.Contains(all, in) {
			all = append(all, in)
		}
	}
	return append(all, cfg.Model), nil
}

// inputOf hashes a file; is tells whether it is one.
func inputOf(role, path string) (in result.Input, is bool, err error) {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return in, false, nil // a camera, a pattern
	}
	f, err := os.Open(path)
	if err != nil {
		return in, false, fmt.Errorf("hash the %s: %w", role, err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return in, false, fmt.Errorf("hash the %s: %w", role, err)
	}
	return result.Input{Role: role, Name: filepath.Base(path), Bytes: n, SHA256: hex.EncodeToString(h.Sum(nil))}, true, nil
}

// ModelInput hashes a model's file.
func ModelInput(name string, data []byte) result.Input {
	h := sha256.Sum256(data)
	return result.Input{Role: "model", Name: name, Bytes: int64(len(data)), SHA256: hex.EncodeToString(h[:])}
}
