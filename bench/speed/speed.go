package speed

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// Trial is a detector to be measured on a source with an end.
type Trial struct {
	Open func() (ingest.Source, error) // called for each pass; the source must be read fast
	// OpenAt is as Open, and decodes the frames before the given one without converting them;
	// nil: what that costs is not measured.
	OpenAt  func(frame int64) (ingest.Source, error)
	Model   detector.Model
	Options detector.Options
	// AfterDetect is called with what Detect returned, as a tracker is; nil: nothing.
	AfterDetect func(objs []event.Object, frame event.Size, pts time.Duration) []event.Object
	// Round, if set, is called at the beginning of each round; 0 is the warm-up.
	Round func(n int)
}

// Figures are the costs of one frame, in milliseconds of processor time of all
// threads. Each figure is the median over the rounds.
type Figures struct {
	Frames int `json:"frames"` // a round
	Rounds int `json:"rounds"`

	Planes float64 `json:"planes_ms"` // a file's demuxing and decoding alone, to planes; 0: not measured
	Decode float64 `json:"decode_ms"` // the source alone: the same and the conversion to BGR
	Infer  float64 `json:"infer_ms"`  // the model alone, on a tensor that is ready
	Whole  float64 `json:"whole_ms"`  // from the file to the encoded sighting

	// Ratio is Whole over Decode and Infer together: the detector's own cost beyond
	// decoding and inference. Each round has its own.
	Ratio    float64 `json:"ratio"`
	RatioMin float64 `json:"ratio_min"`
	RatioMax float64 `json:"ratio_max"`

	// Parts of Whole, by the clock of the thread that detects: the model among the
	// rest of the work, whose caches it shares; and letterbox, decoder of the outputs
	// and suppression.
	InferInside float64 `json:"infer_inside_ms"`
	PrePost     float64 `json:"beside_ms"`
	Wall        float64 `json:"wall_ms"` // of Whole, real time

	Allocs      float64 `json:"allocations"`       // a frame, from its pixels to its objects
	AllocsWhole float64 `json:"allocations_whole"` // a frame, from the file to the encoded sighting
	Objects     float64 `json:"objects"`           // a frame

	Each []Round `json:"-"`
}

// Round are the costs of one round, as those of Figures.
type Round struct{ Planes, Decode, Infer, Whole, InferInside, PrePost, Wall, Ratio float64 }

// Measure measures in rounds. A round passes over the source twice, once
// to decode it and once for the whole, and runs the model alone as often; the
// next round does so in reverse order. Other work of the machine so affects all
// three alike, and a disturbance of single rounds does not move the medians.
func Measure(ctx context.Context, t Trial, rounds int) (Figures, error) {
	if rounds < 1 {
		return Figures{}, usage.New("give 1 or more", "%d rounds measure nothing", rounds)
	}
	l, err := newMeasurement(t)
	if err != nil {
		return Figures{}, err
	}
	// The first round warms everything, binds the tensors, and does not count.
	steps := []func(context.Context) error{l.measureWhole, l.measureInfer, l.measureDecode}
	if t.OpenAt != nil {
		steps = append(steps, l.measurePlanes)
	}
	var all []roundTimes
	for round := range rounds + 1 {
		if t.Round != nil {
			t.Round(round)
		}
		for _, step := range steps {
			if err := step(ctx); err != nil {
				return Figures{}, err
			}
		}
		all = append(all, l.round)
		slices.Reverse(steps)
	}
	all = all[1:]
	s := Figures{Frames: l.frames, Rounds: rounds}
	median := func(of func(roundTimes) float64) float64 {
		v := make([]float64, len(all))
		for i := range all {
			v[i] = of(all[i])
		}
		slices.Sort(v)
		return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	}
	ms := func(d time.Duration) float64 { return d.Seconds() * 1e3 / float64(l.frames) }
	for _, r := range all {
		s.Each = append(s.Each, Round{
			Planes: ms(r.planes), Decode: ms(r.decode), Infer: ms(r.infer), Whole: ms(r.whole), InferInside: ms(r.inferInside),
			PrePost: ms(r.prePost), Wall: ms(r.wall), Ratio: r.ratio(),
		})
	}
	s.Planes = median(func(r roundTimes) float64 { return ms(r.planes) })
	s.Decode = median(func(r roundTimes) float64 { return ms(r.decode) })
	s.Infer = median(func(r roundTimes) float64 { return ms(r.infer) })
	s.Whole = median(func(r roundTimes) float64 { return ms(r.whole) })
	s.InferInside = median(func(r roundTimes) float64 { return ms(r.inferInside) })
	s.PrePost = median(func(r roundTimes) float64 { return ms(r.prePost) })
	s.Wall = median(func(r roundTimes) float64 { return ms(r.wall) })
	s.Ratio = median(roundTimes.ratio)
	s.RatioMin, s.RatioMax = all[0].ratio(), all[0].ratio()
	for _, r := range all {
		s.RatioMin, s.RatioMax = min(s.RatioMin, r.ratio()), max(s.RatioMax, r.ratio())
	}
	s.AllocsWhole = median(func(r roundTimes) float64 { return float64(r.allocs) / float64(l.frames) })
	s.Objects = float64(l.objects) / float64(l.frames)
	s.Allocs, err = l.allocations(ctx)
	return s, err
}

// roundTimes are those of one round, for all its frames; see Figures.
type roundTimes struct {
	planes, decode, infer, whole, inferInside, prePost, wall time.Duration

	allocs uint64
}

func (r roundTimes) ratio() float64 { return float64(r.whole) / float64(r.decode+r.infer) }

// measurement is a trial in progress. It belongs to one goroutine.
type measurement struct {
	Trial
	round           roundTimes // the current one's
	frames, objects int        // of the last pass for the whole

	model      *timedModel
	detector   *detector.Detector
	objs       []event.Object
	detectTime time.Duration // thread time in Detect
}

func newMeasurement(t Trial) (*measurement, error) {
	l := &measurement{Trial: t, model: &timedModel{Model: t.Model}}
	var err error
	if l.detector, err = detector.New(l.model, t.Options); err != nil {
		return nil, err
	}
	if l.AfterDetect == nil {
		l.AfterDetect = func(objs []event.Object, _ event.Size, _ time.Duration) []event.Object { return objs }
	}
	return l, nil
}

// timedModel adds up the time that its runs take the calling thread.
type timedModel struct {
	detector.Model
	took time.Duration
	in   *detector.Tensor // of the last run
}

func (m *timedModel) Run(in *detector.Tensor) ([]detector.Tensor, error) {
	m.in = in
	before := threadTime()
	out, err := m.Model.Run(in)
	m.took += threadTime() - before
	return out, err
}

func (l *measurement) measureDecode(ctx context.Context) error {
	n, cpu, _, err := l.pass(ctx, l.Open, func(*ingest.Frame) error { return nil })
	l.round.decode = cpu
	if err == nil && n != l.frames {
		err = fmt.Errorf("no figures: %d frames decoded, %d in the whole", n, l.frames)
	}
	return err
}

// measurePlanes decodes all frames and converts the last alone.
func (l *measurement) measurePlanes(ctx context.Context) error {
	before := processTime() // the source reads ahead from its opening on
	open := func() (ingest.Source, error) { return l.OpenAt(int64(l.frames - 1)) }
	n, _, _, err := l.pass(ctx, open, func(*ingest.Frame) error { return nil })
	l.round.planes = processTime() - before
	if err == nil && n != 1 {
		err = fmt.Errorf("no figures: the source ends %d frames behind its last", n)
	}
	return err
}

func (l *measurement) measureWhole(ctx context.Context) (err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l.objects, l.detectTime, l.model.took = 0, 0, 0
	l.frames, l.round.whole, l.round.wall, err = l.pass(ctx, l.Open, l.frame)
	runtime.ReadMemStats(&after)
	l.round.inferInside, l.round.prePost, l.round.allocs = l.model.took, l.detectTime-l.model.took, after.Mallocs-before.Mallocs
	if err == nil && l.frames == 0 {
		err = errors.New("measure speed: the source has no frame")
	}
	return err
}

func (l *measurement) measureInfer(ctx context.Context) error {
	before := processTime()
	for range l.frames {
		if _, err := l.Model.Run(l.model.in); err != nil {
			return fmt.Errorf("measure speed: %w", err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	l.round.infer = processTime() - before
	return nil
}

// frame does the work on a frame between its decoding and the log.
func (l *measurement) frame(f *ingest.Frame) (err error) {
	runtime.LockOSThread() // whose time is read
	before := threadTime()
	l.objs, err = l.detector.Detect(f, l.objs)
	l.detectTime += threadTime() - before
	runtime.UnlockOSThread()
	if err != nil {
		return err
	}
	l.objs = l.AfterDetect(l.objs, event.Size{Width: f.Size().X, Height: f.Size().Y}, f.PTS)
	l.objects += len(l.objs)
	s := event.Sighting{
		Camera: "bench", Run: "bench", Seq: f.Seq, SourceKind: event.SourceFile, PTS: f.PTS.Microseconds(),
		CapturedAt: event.At(f.GrabbedAt), GrabbedAt: event.At(f.GrabbedAt), DecodedAt: event.At(f.DecodedAt),
		InferredAt: event.At(time.Now()),
		Frame:      event.Size{Width: f.Size().X, Height: f.Size().Y}, Model: l.detector.Model(), Objects: l.objs,
	}
	_, err = s.Encode()
	return err
}

// repeats is how often Detect runs on one frame to count its allocations.
const repeats = 100

// allocations runs Detect on the source's first frame repeatedly.
func (l *measurement) allocations(ctx context.Context) (each float64, err error) {
	src, err := l.Open()
	if err != nil {
		return 0, err
	}
	var f ingest.Frame
	if err = src.Next(ctx, &f); err == nil {
		f.Image = f.Image.Clone() // outlives Close, after which the source no longer reads ahead
		defer f.Image.Close()
	}
	if err = errors.Join(err, src.Close()); err != nil {
		return 0, fmt.Errorf("measure speed: %w", err)
	}
	const settle = 10 // trackers confirm their tracks
	var before, after runtime.MemStats
	for i := range settle + repeats {
		if i == settle {
			runtime.ReadMemStats(&before)
		}
		if l.objs, err = l.detector.Detect(&f, l.objs); err != nil {
			return 0, err
		}
		l.objs = l.AfterDetect(l.objs, event.Size{Width: f.Size().X, Height: f.Size().Y}, f.PTS)
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / repeats, nil
}

// pass reads a source to its end and returns the processor's and the clock's
// time it took, without its opening.
func (l *measurement) pass(
	ctx context.Context, open func() (ingest.Source, error), do func(*ingest.Frame) error,
) (n int, cpu, wall time.Duration, err error) {
	src, err := open()
	if err != nil {
		return 0, 0, 0, err
	}
	defer src.Close()
	if i := src.Info(); i.Kind.Live() || i.Kind == event.SourceTest && i.Frames == 0 {
		return 0, 0, 0, usage.New("give a file, or test://people?frames=200", "%s has no end", i.Source)
	}
	started, before := time.Now(), processTime()
	var f ingest.Frame
	for {
		if err := src.Next(ctx, &f); errors.Is(err, io.EOF) {
			return n, processTime() - before, time.Since(started), nil
		} else if err != nil {
			return n, 0, 0, fmt.Errorf("measure speed: %w", err)
		}
		if err := do(&f); err != nil {
			return n, 0, 0, fmt.Errorf("measure speed: frame %d: %w", f.Seq, err)
		}
		n++
	}
}

// processTime returns the processor time this process has used, on all cores.
func processTime() time.Duration { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

// threadTime returns the processor time the calling thread has used.
func threadTime() time.Duration { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

func clock(id int32) time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(id, &t) != nil {
		return 0 // cannot happen: Linux has both clocks
	}
	return time.Duration(t.Nano())
}
