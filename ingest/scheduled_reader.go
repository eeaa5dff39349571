package ingest

import (
	"errors"
	"io"
	"math"
	"time"

	"gocv.io/x/gocv"
)

// scheduled is the Info of a source on a schedule.
func scheduled(info Info, s *Schedule) Info {
	if s.fps > 0 {
		info.FPS = s.fps
	}
	if s.length > 0 {
		info.Frames = int64(math.Ceil(s.length.Seconds() * info.FPS))
	}
	return info
}

// rewinder is a frameReader that can begin anew.
type rewinder interface{ rewind() error }

// scheduledReader plays a reader on a schedule.
type scheduledReader struct {
	frameReader
	schedule *Schedule

	n    int64         // frames so far
	base time.Duration // position at which this pass began, as recorded
	last time.Duration // position of the frame before, as recorded
	step time.Duration // between the last two frames, as recorded
}

func (r *scheduledReader) next(dst *gocv.Mat) (time.Duration, error) {
	s := r.schedule
	even := time.Duration(0) // position of the frame at an even rate
	if s.fps > 0 {
		even = time.Duration(float64(r.n) / s.fps * float64(time.Second))
		if s.length > 0 && even >= s.length {
			return 0, io.EOF
		}
	}
	pts, err := r.frameReader.next(dst)
	if again, ok := r.frameReader.(rewinder); ok && errors.Is(err, io.EOF) && s.length > 0 && r.n > 0 {
		if err := again.rewind(); err != nil {
			return 0, err
		}
		r.base = r.last + r.step
		pts, err = r.frameReader.next(dst)
	}
	if err != nil {
		return 0, err
	}
	pts += r.base
	if r.n > 0 {
		r.step = pts - r.last
	}
	r.last = pts
	r.n++
	switch {
	case s.fps > 0:
		return even, nil
	case s.length > 0 && pts >= s.length:
		return 0, io.EOF
	}
	return pts, nil
}
