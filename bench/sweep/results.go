package sweep

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/internal/filelock"
	"github.com/sightlog/sightlog/usage"
)

// Results is a directory of results, locked to this process.
type Results struct {
	dir  string
	lock *os.File
}

// OpenResults opens a directory, which is created if it is missing.
func OpenResults(dir string) (*Results, error) {
	unusable := func(err error) error {
		return usage.Wrap(err, "give a directory that you may write", "--results %s: %v", dir, usage.Cause(err))
	}
	if err := os.MkdirAll(filepath.Join(dir, "points"), 0o755); err != nil {
		return nil, unusable(err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, unusable(err)
	}
	if err := filelock.Flock(lock); err != nil {
		lock.Close()
		return nil, usage.Wrap(err, "wait for it, or give another directory", "--results %s: another sweep writes into it", dir)
	}
	return &Results{dir, lock}, nil
}

// Close unlocks the directory.
func (r *Results) Close() error { return filelock.Close(r.lock) }

func (r *Results) path(file string) string { return filepath.Join(r.dir, "points", file) }

// read returns the report of a file, nil if it is not there or not one that this program
// reads: then its point is run again.
func (r *Results) read(file string) *result.Report {
	b, err := os.ReadFile(r.path(file))
	if err != nil {
		return nil
	}
	all, err := result.ReadAll(bytes.NewReader(b), file)
	if err != nil || len(all) != 1 {
		return nil
	}
	return all[0]
}

// write stores a report: whole, or not at all.
func (r *Results) write(file string, report *result.Report) error {
	var b bytes.Buffer
	if err := result.Write(&b, report); err != nil {
		return err
	}
	if err := atomicfile.WriteDurably(r.path(file), b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("store a point: %w", err)
	}
	return nil
}

// Change is how the points that are there compare with those of a grid.
type Change struct {
	Done, Left int // of the grid's points
	Other      int // points of another grid, which stay where they are
	Changed    bool
}

// Compare compares the directory with a grid, and remembers its text for the next time.
func (r *Results) Compare(g *Grid, points []Point, text []byte) (Change, error) {
	var c Change
	known := make([]string, len(points))
	for i, p := range points {
		if known[i] = g.file(p); r.read(known[i]) != nil {
			c.Done++
		}
	}
	c.Left = len(points) - c.Done
	entries, err := os.ReadDir(filepath.Join(r.dir, "points"))
	if err != nil {
		return c, fmt.Errorf("read the results: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") && !slices.Contains(known, e.Name()) {
			c.Other++
		}
	}
	grid := filepath.Join(r.dir, "grid.yaml")
	before, err := os.ReadFile(grid)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, fmt.Errorf("read the grid of before: %w", err)
	}
	c.Changed = err == nil && !bytes.Equal(before, text)
	if err := atomicfile.Write(grid, text, 0o644); err != nil {
		return c, fmt.Errorf("store the grid: %w", err)
	}
	return c, nil
}

// Combine writes the reports of all points that are done into one file, in the grid's order,
// and returns them; nil for a point that is not.
func (r *Results) Combine(g *Grid, points []Point) (all []*result.Report, err error) {
	var b bytes.Buffer
	for _, p := range points {
		report := r.read(g.file(p))
		all = append(all, report)
		if report == nil {
			continue
		}
		if err := result.Write(&b, report); err != nil {
			return nil, err
		}
	}
	if err := atomicfile.Write(r.File(), b.Bytes(), 0o644); err != nil {
		return nil, fmt.Errorf("store the sweep: %w", err)
	}
	return all, nil
}

// File is the path of the file with the reports of all points.
func (r *Results) File() string { return filepath.Join(r.dir, "sweep.json") }
