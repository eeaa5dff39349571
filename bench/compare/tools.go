package compare

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/sightlog/sightlog/bench/baseline"
	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/usage"
)

// Tools are what the baseline is run with.
type Tools struct {
	Java   string // the program
	Jars   string // class path of Kafka
	Python string // of the virtual environment
}

// FindJava finds Java and the jars of Apache Kafka. Errors are *usage.Error.
func FindJava(jars string) (java, classPath string, err error) {
	if java, err = exec.LookPath("java"); err != nil {
		return "", "", usage.New("install Java 17 or later, such as openjdk-17-jre-headless", "Java is not installed, and Apache Kafka needs it")
	}
	if found, _ := filepath.Glob(filepath.Join(jars, "kafka_*.jar")); len(found) == 0 {
		return "", "", usage.New("fetch it with scripts/setup.sh --tests, or name the directory of its jars with --kafka-jars", "no Apache Kafka in %s", jars)
	}
	return java, filepath.Join(jars, "*"), nil
}

// oldest is a test, in Python, of the version that the requirements need.
const oldest = "import sys; sys.exit(sys.version_info < (3, 11))"

// FindPython finds the program. Errors are *usage.Error.
func FindPython(name string) (string, error) {
	python, err := exec.LookPath(name)
	if err != nil {
		return "", usage.New("install Python 3.11 or later with venv, or name it with --python", "%s is not installed", name)
	}
	if exec.Command(python, "-c", oldest).Run() != nil {
		return "", usage.New("install it, or name another with --python", "%s is no Python 3.11 or later", name)
	}
	return python, nil
}

// installed is the file of an environment that says which requirements it has: it is
// written when all are there.
const installed = "sightlog-baseline.txt"

// Environment makes the virtual environment in a directory, unless it is there with these
// requirements, and returns its Python. Errors are *usage.Error but for those of ctx.
func Environment(ctx context.Context, python, dir string, say func(string)) (string, error) {
	wanted, err := baseline.Files.ReadFile("requirements.txt")
	if err != nil {
		return "", fmt.Errorf("read the requirements: %w", err)
	}
	inside := filepath.Join(dir, "bin", "python")
	if has, err := os.ReadFile(filepath.Join(dir, installed)); err == nil && bytes.Equal(has, wanted) {
		return inside, nil
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, "pyvenv.cfg")); err != nil {
			return "", usage.New("name an empty directory, or one that this command has made", "--venv %s: it has other files", dir)
		}
	}
	say("installing the Python packages of the baseline, about 400 MB, into " + dir)
	if err := runIn(ctx, python, "-m", "venv", dir); err != nil {
		return "", usage.Wrap(err, "install Python's venv module, and name a directory you may write", "--venv %s: %v", dir, err)
	}
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, wanted, 0o644); err != nil {
		return "", usage.Wrap(err, "name a directory you may write", "--venv %s: %v", dir, usage.Cause(err))
	}
	if err := runIn(ctx, inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", list); err != nil {
		return "", usage.Wrap(err, "check the network", "the Python packages of the baseline cannot be installed: %v", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, installed), wanted, 0o644); err != nil {
		return "", usage.Wrap(err, "name a directory you may write", "--venv %s: %v", dir, usage.Cause(err))
	}
	return inside, nil
}

// runIn runs a program to its end. Its error is the last line that it wrote.
func runIn(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; last != "" {
		return errors.New(last)
	}
	return err
}

// putPrograms writes the baseline's files into a directory.
func putPrograms(dir string) error {
	return fs.WalkDir(baseline.Files, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := baseline.Files.ReadFile(name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), b, 0o644)
		}
		return err
	})
}
