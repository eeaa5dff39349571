package track

import "github.com/sightlog/sightlog/internal/assign"

// Assign pairs rows with columns at the least cost, for the tests' own scores.
func Assign(cost []float64, n, m int, limit float64) []int {
	var a assign.Solver
	return a.Assign(cost, n, m, limit)
}
