package result

import "slices"

const (
	kneeTimes = 2   // the least that a latency has may grow so many times before the knee is passed
	kneeShare = 0.9 // the part of the most throughput that the knee has
)

// Knee returns the index of a curve's knee, -1 where there is none. Where less is better (latency,
// cost) it is the last point before the first at which the value is more than twice the least;
// where more is better (throughput) the first that has nine tenths of the most. A curve of
// fewer than three points, or that stays within these, has none.
func Knee(v []float64, less bool) int {
	if len(v) < 3 {
		return -1
	}
	if less {
		limit := kneeTimes * slices.Min(v)
		beyond := slices.IndexFunc(v, func(x float64) bool { return x > limit })
		return max(beyond, 0) - 1
	}
	limit := kneeShare * slices.Max(v)
	if slices.Min(v) >= limit {
		return -1
	}
	return slices.IndexFunc(v, func(x float64) bool { return x >= limit })
}
