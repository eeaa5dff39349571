package detector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"syscall"
	"time"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
)

// Speed is what a frame costs, in processor time of all threads. Decode,
// Infer and Whole are measured in turn, round by round, on the same frames, so
// that a machine that changes its mind changes them alike.
type Speed struct {
	Frames  int           `json:"frames"`      // a round
	Rounds  int           `json:"rounds"`      //
	Decode  time.Duration `json:"decode_ns"`   // the source alone
	Infer   time.Duration `json:"infer_ns"`    // the model alone, on a tensor that is ready
	Whole   time.Duration `json:"whole_ns"`    // from the file to the encoded sighting
	Beside  time.Duration `json:"beside_ns"`   // letterbox, decoder, suppression: on one thread
	Wall    time.Duration `json:"wall_ns"`     // of Whole, by the clock
	Allocs  float64       `json:"allocations"` // in Detect, a frame
	Objects float64       `json:"objects"`     // a frame
}

// Ratio is Whole over Decode and Infer together: what the detector costs
// beyond what it cannot do without.
func (s Speed) Ratio() float64 { return float64(s.Whole) / float64(s.Decode+s.Infer) }

// MeasureSpeed measures the detector on a file, which open opens anew each
// time, to be read fast.
func MeasureSpeed(ctx context.Context, open func() (ingest.Source, error), m Model, opts Options, rounds int) (Speed, error) {
	d, err := New(m, opts)
	if err != nil {
		return Speed{}, err
	}
	s := Speed{Rounds: rounds}
	var decode, infer, whole, wall, beside time.Duration
	var frames, objects int
	var objs []event.Object
	var allocs uint64
	detect := func(f *ingest.Frame) error {
		if objs, err = d.Detect(f, objs); err != nil {
			return err
		}
		objects += len(objs)
		sighting := event.Sighting{
			Camera: "bench", Run: "bench", Seq: f.Seq, SourceKind: event.SourceFile, PTS: f.PTS.Microseconds(),
			CapturedAt: event.At(f.GrabbedAt), GrabbedAt: event.At(f.GrabbedAt), DecodedAt: event.At(f.DecodedAt),
			Frame: event.Size{Width: f.Size().X, Height: f.Size().Y}, Model: d.Model(), Objects: objs,
		}
		_, err := sighting.Encode()
		return err
	}
	// A round before the first warms everything and binds the tensors.
	for round := range rounds + 1 {
		n, cpu, _, err := drain(ctx, open, func(*ingest.Frame) error { return nil })
		if err != nil {
			return s, err
		}
		objects = 0
		_, cpuWhole, wallWhole, err := drain(ctx, open, detect)
		if err != nil {
			return s, err
		}
		if n == 0 {
			return s, errors.New("measure speed: the source has no frame")
		}
		before := processorTime()
		for range n {
			if _, err := m.Run(&d.box.tensor); err != nil {
				return s, fmt.Errorf("measure speed: %w", err)
			}
		}
		if cpuInfer := processorTime() - before; round > 0 {
			frames += n
			decode, whole, infer, wall = decode+cpu, whole+cpuWhole, infer+cpuInfer, wall+wallWhole
			s.Objects = float64(objects) / float64(n)
		}
		s.Frames = n
	}
	if beside, allocs, err = besideTheModel(ctx, open, d); err != nil {
		return s, err
	}
	each := func(total time.Duration) time.Duration { return total / time.Duration(frames) }
	s.Decode, s.Infer, s.Whole, s.Wall = each(decode), each(infer), each(whole), each(wall)
	s.Beside, s.Allocs = beside, float64(allocs)/besideRuns
	return s, nil
}

// besideRuns is how often the work beside the model is repeated on one frame.
const besideRuns = 500

// besideTheModel repeats everything but the model on the source's first
// frame and returns the time of one repetition and the allocations of all.
func besideTheModel(ctx context.Context, open func() (ingest.Source, error), d *Detector) (each time.Duration, allocs uint64, err error) {
	src, err := open()
	if err != nil {
		return 0, 0, err
	}
	defer src.Close()
	var f ingest.Frame
	if err := src.Next(ctx, &f); err != nil {
		return 0, 0, fmt.Errorf("measure speed: %w", err)
	}
	objs, err := d.Detect(&f, nil)
	if err != nil {
		return 0, 0, err
	}
	out, err := d.model.Run(&d.box.tensor)
	if err != nil {
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	started := processorTime()
	for range besideRuns {
		if err := d.box.apply(&f.Image); err != nil {
			return 0, 0, err
		}
		if objs, err = d.objects(out, objs[:0]); err != nil {
			return 0, 0, err
		}
	}
	each = (processorTime() - started) / besideRuns
	runtime.ReadMemStats(&after)
	return each, after.Mallocs - before.Mallocs, nil
}

// drain reads a source to its end and returns the processor's and the clock's
// time it took, without its opening.
func drain(ctx context.Context, open func() (ingest.Source, error), do func(*ingest.Frame) error) (n int, cpu, wall time.Duration, err error) {
	src, err := open()
	if err != nil {
		return 0, 0, 0, err
	}
	defer src.Close()
	started, before := time.Now(), processorTime()
	for {
		var f ingest.Frame
		if err := src.Next(ctx, &f); errors.Is(err, io.EOF) {
			return n, processorTime() - before, time.Since(started), nil
		} else if err != nil {
			return n, 0, 0, fmt.Errorf("measure speed: %w", err)
		}
		if err := do(&f); err != nil {
			return n, 0, 0, fmt.Errorf("measure speed: frame %d: %w", f.Seq, err)
		}
		n++
	}
}

// processorTime is what this process has used so far, on all cores.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
