package ingest

import (
	"context"
	"fmt"
	"io"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
)

// openPattern opens the test source. Like a file it drops nothing.
func openPattern(_ context.Context, spec Spec, opts Options) (Source, error) {
	p, err := ParsePattern(spec.URI)
	if err != nil {
		return nil, err
	}
	info := Info{
		Kind: event.SourceTest, Source: Redact(spec.URI), Fingerprint: fmt.Sprintf("%+v", p),
		FPS: p.FPS, Size: p.Size, Frames: p.Frames,
	}
	back := p.background()
	return newPlayback(&patternReader{p: p, back: back}, info, opts), nil
}

type patternReader struct {
	p    Pattern
	back gocv.Mat
	seq  int64
}

func (s *patternReader) next(m *gocv.Mat) (time.Duration, error) {
	if s.p.Frames > 0 && s.seq >= s.p.Frames {
		return 0, io.EOF
	}
	if m != nil {
		s.p.draw(m, s.back, s.seq)
		writeClock(m, s.seq, time.Now())
	}
	pts := time.Duration(float64(s.seq) / s.p.FPS * float64(time.Second))
	s.seq++
	return pts, nil
}

func (s *patternReader) rewind() error { //nolint:unparam // of rewinder, which another reader implements with an error
	s.seq = 0
	return nil
}

func (s *patternReader) jumps() int64 { return 0 }
func (s *patternReader) interrupt()   {}
func (s *patternReader) close()       { s.back.Close() }
