package speed

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/ingest"
)

// Sample is the state of a soak at one time.
type Sample struct {
	After  time.Duration `json:"after_ns"`
	Frames int64         `json:"frames"`    // so far
	RSS    int64         `json:"rss_bytes"` // resident memory of this process
}

// Soak plays the source repeatedly for as long as d, from the file to the
// encoded sighting, and hands a sample to show every so often and one at the
// end. That ctx ends is no error: the soak is over then.
func Soak(ctx context.Context, t Trial, d, every time.Duration, show func(Sample)) ([]Sample, error) {
	l, err := newMeasurement(t)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	began := time.Now()
	var all []Sample
	var frames int64
	sample := func() error {
		rss, err := resident()
		if err != nil {
			return err
		}
		s := Sample{After: time.Since(began), Frames: frames, RSS: rss}
		all = append(all, s)
		show(s)
		return nil
	}
	next := every
	frame := func(f *ingest.Frame) error {
		if err := l.frame(f); err != nil {
			return err
		}
		frames++
		if time.Since(began) < next {
			return nil
		}
		for ; next <= time.Since(began) && every > 0; next += every {
		}
		return sample()
	}
	for ctx.Err() == nil {
		n, _, _, err := l.pass(ctx, l.Open, frame)
		if err != nil && ctx.Err() == nil {
			return all, err
		}
		if err == nil && n == 0 {
			return all, fmt.Errorf("soak: the source has no frame")
		}
	}
	return all, sample()
}

// Memory describes a soak's resident memory once everything was warm.
type Memory struct {
	Samples int           `json:"samples"` // after the warm-up
	WarmUp  time.Duration `json:"warm_up_ns"`

	First int64 `json:"first_bytes"`
	Min   int64 `json:"min_bytes"`
	Max   int64 `json:"max_bytes"`
	Last  int64 `json:"last_bytes"`

	// Growth is the slope of the least-squares line, in bytes an hour: 0 with
	// fewer than MinSamples, which prove nothing.
	Growth float64 `json:"growth_bytes_per_hour"`
}

// MinSamples is the number of samples from which a growth is computed.
const MinSamples = 10

// MemoryOf leaves out the warm-up, a tenth of the time but at most five
// minutes, and judges the samples after it.
func MemoryOf(all []Sample) (m Memory) {
	if len(all) == 0 {
		return m
	}
	m.WarmUp = min(all[len(all)-1].After/10, 5*time.Minute)
	var t, rss, tt, trss float64 // means and sums about them
	var warm []Sample
	for _, s := range all {
		if s.After >= m.WarmUp {
			warm = append(warm, s)
			t += s.After.Hours()
			rss += float64(s.RSS)
		}
	}
	m.Samples = len(warm)
	t, rss = t/float64(len(warm)), rss/float64(len(warm))
	m.First, m.Last = warm[0].RSS, warm[len(warm)-1].RSS
	m.Min, m.Max = m.First, m.First
	for _, s := range warm {
		m.Min, m.Max = min(m.Min, s.RSS), max(m.Max, s.RSS)
		dt := s.After.Hours() - t
		tt += dt * dt
		trss += dt * (float64(s.RSS) - rss)
	}
	if len(warm) >= MinSamples && tt > 0 {
		m.Growth = trss / tt
	}
	return m
}

// resident is the memory of this process that is in RAM, in bytes: VmRSS of
// proc(5).
func resident() (int64, error) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("read the resident memory: %w", err)
	}
	fields := strings.Fields(string(statm))
	if len(fields) < 2 {
		return 0, fmt.Errorf("read the resident memory: %q in /proc/self/statm", statm)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the resident memory: %w", err)
	}
	return pages * int64(os.Getpagesize()), nil
}
