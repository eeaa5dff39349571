package eval

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/sightlog/sightlog/usage"
)

// TrackBox is where a person is in one frame.
type TrackBox struct {
	ID                       int64
	Left, Top, Width, Height float64 // pixels
	Ignored                  bool    // of a ground truth: not to be counted
}

// Tracks are the boxes of each frame, in the order of the frames.
type Tracks [][]TrackBox

// Bounds of a MOT file: frames (four days at 25 frames/s) and columns of a line.
const (
	maxFrames  = 10_000_000
	maxColumns = 16
)

// ReadMOT reads a file in the text format of the MOT Challenge, one line a box:
// frame, id, left, top, width, height, and whatever follows. Frames count from 1.
// Of a ground truth, the seventh column is 0 on boxes that are not to be counted. Of
// results, lines without a track (id -1) are left out. flag names the file in messages.
func ReadMOT(flag, path string, truth bool) (Tracks, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage.Wrap(err, "check the path", "%s %s: no such file", flag, path)
	}
	if err != nil {
		return nil, usage.Wrap(err, "check its permissions", "%s %s: cannot be read", flag, path)
	}
	defer file.Close()
	tracks, err := readMOT(file, truth)
	if err != nil {
		return nil, usage.Wrap(err, "give a file in the text format of the MOT Challenge", "%s %s: %v", flag, path, usage.Cause(err))
	}
	return tracks, nil
}

func readMOT(r io.Reader, truth bool) (Tracks, error) {
	var tracks Tracks
	seen := map[[2]int64]bool{} // frame and id
	lines := bufio.NewScanner(r)
	n := 0
	for lines.Scan() {
		n++
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		frame, b, err := parseMOT(text, truth)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		for int64(len(tracks)) < frame {
			tracks = append(tracks, nil)
		}
		if b.ID < 0 && !truth {
			continue
		}
		key := [2]int64{frame, b.ID}
		if seen[key] {
			return nil, fmt.Errorf("line %d: frame %d has id %d twice", n, frame, b.ID)
		}
		seen[key] = true
		tracks[frame-1] = append(tracks[frame-1], b)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("after line %d: %w", n, err)
	}
	if truth && len(seen) == 0 {
		return nil, errors.New("no boxes")
	}
	return tracks, nil
}

func parseMOT(text string, truth bool) (frame int64, b TrackBox, err error) {
	columns := strings.SplitN(text, ",", maxColumns)
	least := 6
	if truth {
		least = 7
	}
	if len(columns) < least {
		return 0, b, fmt.Errorf("%d columns separated by commas, and %d are required", len(columns), least)
	}
	var v [7]float64
	for i := range v[:least] {
		v[i], err = strconv.ParseFloat(strings.TrimSpace(columns[i]), 64)
		if err != nil || math.IsNaN(v[i]) || math.Abs(v[i]) > 1<<53 {
			return 0, b, fmt.Errorf("column %d, %.40q, is not a number in range", i+1, columns[i])
		}
	}
	switch {
	case v[0] != math.Trunc(v[0]) || v[0] < 1 || v[0] > maxFrames:
		return 0, b, fmt.Errorf("frame %v is not a whole number from 1 to %d", columns[0], maxFrames)
	case v[1] != math.Trunc(v[1]):
		return 0, b, fmt.Errorf("id %v is not a whole number", columns[1])
	case v[4] < 0 || v[5] < 0:
		return 0, b, fmt.Errorf("the box has a negative size, %v x %v", columns[4], columns[5])
	}
	return int64(v[0]), TrackBox{
		ID: int64(v[1]), Left: v[2], Top: v[3], Width: v[4], Height: v[5], Ignored: truth && v[6] == 0,
	}, nil
}

// Every leaves the frames 1, 1+n, 1+2n, … only.
func (t Tracks) Every(n int) Tracks {
	var rest Tracks
	for i := 0; i < len(t); i += n {
		rest = append(rest, t[i])
	}
	return rest
}
