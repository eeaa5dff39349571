package track

import "github.com/sightlog/sightlog/internal/assign"

// Assign pairs rows with columns at the least cost, for the tests' own scores.
func Assign(cost []float64, n, m int, limit float64) []int {
	var a assign.Solver
	return a.Assign(cost, n, m, limit)
}

// Tuning are the numbers that were chosen by measuring.
type Tuning struct{ First, Second, Tentative, Doubled, UnmatchedCost float64 }

// Tuned are those in use.
func Tuned() Tuning {
	return Tuning{tuned.first, tuned.second, tuned.tentative, tuned.doubled, tuned.unmatchedCost}
}

// NewTuned is New with other numbers.
func NewTuned(o Options, n Tuning) *Tracker {
	t := New(o)
	t.tuning = tuning{n.First, n.Second, n.Tentative, n.Doubled, n.UnmatchedCost}
	return t
}
