// Package assign solves the assignment problem: it pairs tracks with boxes at the least
// cost.
package assign

import "math"

// Solver pairs rows with columns so that the sum of costs is least: the
// Hungarian method with potentials, O(rows² × columns). Its memory is used again.
// The zero value is ready to use; it belongs to one goroutine.
type Solver struct {
	u, v, least []float64
	row, way    []int
	used        []bool
	pairs       []int
}

// Assign returns for each of n rows its column of m, or -1. cost is row-major;
// a pair that costs more than limit is not made, and leaving a row alone costs
// limit. The result is valid until the next call.
func (a *Solver) Assign(cost []float64, n, m int, limit float64) []int {
	// Each row has, besides the m columns, one of its own that stands for
	// staying alone.
	cols := m + n
	at := func(i, j int) float64 {
		switch {
		case j < m && cost[i*m+j] <= limit:
			return cost[i*m+j]
		case j == m+i:
			return limit
		default:
			return math.Inf(1)
		}
	}
	a.u, a.v, a.least = grow(a.u, n+1), grow(a.v, cols+1), grow(a.least, cols+1)
	a.row, a.way, a.used = grow(a.row, cols+1), grow(a.way, cols+1), grow(a.used, cols+1)
	// Rows and columns count from 1; column 0 is where a search begins.
	for i := 1; i <= n; i++ {
		a.row[0] = i
		j0 := 0
		for j := range a.least {
			a.least[j], a.used[j] = math.Inf(1), false
		}
		for a.row[j0] != 0 {
			a.used[j0] = true
			i0, j1, delta := a.row[j0], 0, math.Inf(1)
			for j := 1; j <= cols; j++ {
				if a.used[j] {
					continue
				}
				if c := at(i0-1, j-1) - a.u[i0] - a.v[j]; c < a.least[j] {
					a.least[j], a.way[j] = c, j0
				}
				if a.least[j] < delta {
					delta, j1 = a.least[j], j
				}
			}
			for j := 0; j <= cols; j++ {
				if a.used[j] {
					a.u[a.row[j]] += delta
					a.v[j] -= delta
				} else {
					a.least[j] -= delta
				}
			}
			j0 = j1
		}
		for j0 != 0 { // turn the path over
			j1 := a.way[j0]
			a.row[j0] = a.row[j1]
			j0 = j1
		}
	}
	a.pairs = grow(a.pairs, n)
	for i := range a.pairs {
		a.pairs[i] = -1
	}
	for j := 1; j <= m; j++ {
		if i := a.row[j]; i > 0 {
			a.pairs[i-1] = j - 1
		}
	}
	return a.pairs
}

// grow returns s with length n, zeroed.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, 2*n)
	}
	s = s[:n]
	clear(s)
	return s
}
