package models

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// EnvDir names the environment variable with the directory of models.
const EnvDir = "SIGHTLOG_MODELS"

// ErrMissing is in the *usage.Error for a catalogue model that is not installed.
var ErrMissing = errors.New("the model is not installed")

// Options choose the directories of models and the builds that are accepted.
type Options struct {
	Dirs       []string // searched in turn; default: Dirs()
	Unverified bool     // accept untested builds
}

// Dirs are the directories searched for models: $SIGHTLOG_MODELS, a directory
// shared/models beside the repository, and the user's cache, which is where
// Pull writes.
func Dirs() []string {
	var dirs []string
	if d := os.Getenv(EnvDir); d != "" {
		dirs = append(dirs, d)
	}
	beside := []string{filepath.Join("..", "shared", "models")}
	if exe, err := os.Executable(); err == nil {
		beside = append(beside, filepath.Join(filepath.Dir(exe), "..", "..", "shared", "models"))
	}
	for _, d := range beside {
		if st, err := os.Stat(d); err == nil && st.IsDir() {
			dirs = append(dirs, d)
		}
	}
	if d, err := cacheDir(); err == nil {
		dirs = append(dirs, d)
	}
	return dirs
}

// cacheDir is in the cache of a systemd service, if it has one, else in the user's.
func cacheDir() (string, error) {
	if d := os.Getenv("CACHE_DIRECTORY"); d != "" {
		return filepath.Join(d, "models"), nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(d, "sightlog", "models"), nil
}

// Lookup finds a model by its catalogue name or by the path of an ONNX file; Auto is
// Default to it, and AutoSmall Small.
// A missing model is a *usage.Error that says how to get it; for a
// catalogue model that can be pulled it wraps ErrMissing.
func Lookup(nameOrPath string, opts Options) (Model, error) {
	if isPath(nameOrPath) {
		st, err := os.Stat(nameOrPath)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return Model{}, usage.Wrap(err, "check the path", "model %s: no such file", nameOrPath)
		case err != nil:
			return Model{}, usage.Wrap(err, "check the path and its permissions", "model %s: cannot be read", nameOrPath)
		case st.IsDir():
			return Model{}, usage.New("name an .onnx file in it", "model %s: is a directory", nameOrPath)
		}
		name := strings.ToValidUTF8(filepath.Base(nameOrPath), "\ufffd") // as it comes back from the log
		return Model{Name: strings.TrimSuffix(name, ".onnx"), Path: nameOrPath}, nil
	}
	switch nameOrPath {
	case Auto:
		nameOrPath = Default
	case AutoSmall:
		nameOrPath = Small
	}
	e, err := Find(nameOrPath)
	if err != nil {
		return Model{}, err
	}
	if m, ok := inProgram()[e.Name]; ok {
		return m, nil
	}
	if opts.Dirs == nil {
		opts.Dirs = Dirs()
	}
	for _, dir := range opts.Dirs {
		path := filepath.Join(dir, e.File)
		sum, err := hashFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Model{}, usage.Wrap(err, "check its permissions", "model %s: %s cannot be read", e.Name, path)
		}
		if err := e.accepts(sum, opts.Unverified); err != nil {
			return Model{}, usage.Wrap(err, "", "model %s: %s %s", e.Name, path, err)
		}
		return Model{Name: e.Name, Path: path, SHA256: sum}, nil
	}
	return Model{}, usage.Wrap(ErrMissing, e.howToGet(), "model %s is not in %s", e.Name, strings.Join(opts.Dirs, ", "))
}

// isPath reports whether s is a path: names have no slash and no extension.
func isPath(s string) bool {
	return strings.ContainsAny(s, `/\`) || strings.HasSuffix(strings.ToLower(s), ".onnx")
}

// accepts reports, as an error, why a file with this SHA-256 may go by the entry's name.
func (e Entry) accepts(sum string, unverified bool) error {
	for _, b := range e.Builds {
		switch {
		case b.SHA256 == sum && (b.Verified || unverified):
			return nil
		case b.SHA256 == sum:
			return errors.New("is unverified: it is the file that public sources name, but it is untested; add --unverified to use it all the same")
		}
	}
	return fmt.Errorf("has SHA-256 %s, which is not in the catalogue; pull it again, or name the file itself", sum)
}

func (e Entry) howToGet() string {
	if b, ok := e.pullable(); ok && b.Verified {
		return "run sightlog models pull " + e.Name
	} else if ok {
		return "run sightlog models pull --unverified " + e.Name + ", or put " + e.File + " in $" + EnvDir
	}
	return "put " + e.File + " (" + e.Homepage + ") in $" + EnvDir
}

func (e Entry) pullable() (Build, bool) {
	for _, b := range e.Builds {
		if len(b.URLs) > 0 {
			return b, true
		}
	}
	return Build{}, false
}

// Verify hashes every catalogue model found in the directories and reports
// each by its path; nil is one that the catalogue vouches for.
func Verify(opts Options) map[string]error {
	if opts.Dirs == nil {
		opts.Dirs = Dirs()
	}
	found := map[string]error{}
	for _, e := range Catalogue() {
		for _, dir := range opts.Dirs {
			path := filepath.Join(dir, e.File)
			sum, err := hashFile(path)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err == nil {
				err = e.accepts(sum, false)
			}
			found[path] = err
		}
	}
	return found
}

func hashFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
