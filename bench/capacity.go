package bench

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/sightlog/sightlog/bench/result"
)

// The search begins with so many cameras, and never tries more than mostCameras.
const (
	firstCameras = 4
	mostCameras  = 512
)

// Capacity searches for the most cameras with which the 99th percentile of due→committed
// stays within p99, no frame is dropped, and the pipeline does not fall behind. sources
// returns the sources of so many cameras. It doubles the number until that fails, then
// halves the interval until it is a twentieth of the number, or one camera. The report is
// that of the best trial, or of the smallest where none was good enough.
func Capacity(ctx context.Context, cfg Config, p99 time.Duration, sources func(n int) []string) (*result.Report, error) {
	limit := &result.Limit{P99: ms(p99)}
	var best, least *result.Report
	good, bad := 0, 0 // bad is 0 until a number was too large
	progress := cfg.Progress
	for n := firstCameras; ; {
		one := cfg
		one.Rounds, one.Detect.Source = 1, sources(n)
		one.Settings = withSetting(cfg.Settings, "cameras", fmt.Sprint(n))
		one.Progress = func(s Step) {
			s.What = fmt.Sprintf("%d cameras, trial %d", n, len(limit.Trials)+1)
			s.Left += time.Duration(trialsLeft(good, bad)) * (startupGuess + cfg.length())
			progress(s)
		}
		if progress == nil {
			one.Progress = nil
		}
		r, err := Run(ctx, one)
		if ctx.Err() != nil { // a trial that was cut short proves nothing
			break
		}
		if err != nil {
			return nil, fmt.Errorf("with %d cameras: %w", n, err)
		}
		t := judgeTrial(n, r, p99)
		limit.Trials = append(limit.Trials, t)
		if !t.OK && best == nil {
			least = r // the next is smaller
		}
		if t.OK {
			good, best = n, r
		} else {
			bad, limit.Bound, limit.Why = n, t.Bound, why(t, r)
		}
		next := nextCameras(good, bad)
		if next == 0 {
			break
		}
		n = next
	}
	if best == nil {
		best = least
	}
	if best == nil {
		return nil, errors.New("the search was stopped before its first trial was done")
	}
	limit.Cameras = good
	if ctx.Err() != nil {
		best.Cut = fmt.Sprintf("the search was stopped after %d trials: %d cameras are proven, more may be possible", len(limit.Trials), good)
	}
	best.Limit = limit
	return best, nil
}

// nextCameras is the number to try, 0 when the search is done.
func nextCameras(good, bad int) int {
	switch {
	case bad == 0 && good >= mostCameras:
		return 0
	case bad == 0:
		return min(2*good, mostCameras)
	case bad-good <= max(1, good/20):
		return 0
	}
	return (good + bad) / 2
}

// trialsLeft is about how many trials follow the present one.
func trialsLeft(good, bad int) int {
	if bad == 0 {
		return 5
	}
	return bits.Len(uint(max(0, (bad-good)/max(1, good/20)-1)))
}

// behind is how much later the last quarter's frames may be than the first's.
func behind(p99 time.Duration) float64 { return max(10, ms(p99)/5) }

// judgeTrial decides whether so many cameras are borne.
func judgeTrial(n int, r *result.Report, p99 time.Duration) result.Trial {
	v := r.Total.Values
	t := result.Trial{Cameras: n, P99: v[result.P99], CPU: v[result.CPUShare], Lag: v[result.Drift], Dropped: r.Total.Dropped}
	t.OK = t.P99 <= ms(p99) && t.Dropped == 0 && t.Lag <= behind(p99)
	if !t.OK {
		t.Bound = boundOf(r)
	}
	return t
}

// busyCPU is the share of the CPU time from which a machine counts as used up: frames of
// many cameras do not come evenly enough to use all of it.
const busyCPU = 0.85

// boundOf is what a pipeline that was too slow ran into: the CPU if that is used up, else
// the stage in which frames lose most.
func boundOf(r *result.Report) string {
	if r.Total.Values[result.CPUBusy] >= busyCPU {
		return "cpu"
	}
	p99 := func(names ...string) (sum float64) {
		for _, name := range names {
			sum += r.Total.Histograms[name].Quantile(.99)
		}
		return sum
	}
	detector, log, commit := p99(result.Wait, result.Decode, result.Infer), p99(result.Produce, result.Fetch), p99(result.Commit)
	sync := 0.0
	for _, d := range r.Durability.Disks {
		sync = max(sync, d.P99/1000)
	}
	switch {
	case detector >= log && detector >= commit:
		return "detector"
	case sync >= max(log, commit)/3: // a frame waits for a few syncs
		return "disk"
	}
	return "sink"
}

// why says what a trial ran into, with its figures.
func why(t result.Trial, r *result.Report) string {
	h := r.Total.Histograms
	text := fmt.Sprintf("with %d cameras p99 is %.0f ms, %.0f %% of the CPU time is used", t.Cameras, t.P99, 100*t.CPU)
	if others := r.Total.Values[result.CPUBusy] - t.CPU; others > 0.1 {
		text += fmt.Sprintf(", and %.0f %% by processes that are no part of the measurement", 100*others)
	}
	if t.Lag > 0 {
		text += fmt.Sprintf(", and frames come %.0f ms later at the end than at the beginning", t.Lag)
	}
	switch t.Bound {
	case "detector":
		text += fmt.Sprintf("; they wait for the detector's threads: p99 of wait and infer %.0f ms", h[result.Wait].Quantile(.99)+h[result.Infer].Quantile(.99))
	case "sink", "disk":
		text += fmt.Sprintf("; p99 of fetch %.0f ms, of commit %.0f ms", h[result.Fetch].Quantile(.99), h[result.Commit].Quantile(.99))
	}
	return text
}

func withSetting(all map[string]string, name, value string) map[string]string {
	out := map[string]string{name: value}
	for k, v := range all {
		if k != name {
			out[k] = v
		}
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
