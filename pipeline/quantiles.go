package pipeline

import (
	"math"
	"slices"
	"time"
)

// windowSize is the number of latencies that the live quantiles cover.
const windowSize = 1024

// window keeps the newest durations. The zero value is empty.
type window struct {
	ring [windowSize]time.Duration
	n    int // added so far
}

func (w *window) add(d time.Duration) {
	w.ring[w.n%windowSize] = d
	w.n++
}

// quantile returns the smallest duration that at least the share q of the
// window does not exceed (nearest rank); 0 when the window is empty.
func (w *window) quantile(q float64) time.Duration {
	s := slices.Clone(w.ring[:min(w.n, windowSize)])
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	return s[max(0, int(math.Ceil(q*float64(len(s))))-1)]
}
