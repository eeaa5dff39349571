package assign

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// leastCost tries every way to pair rows from i on with columns.
func leastCost(cost []float64, i, n, m int, used []bool, limit float64) float64 {
	if i == n {
		return 0
	}
	least := limit + leastCost(cost, i+1, n, m, used, limit)
	for j := range m {
		if c := cost[i*m+j]; !used[j] && c <= limit {
			used[j] = true
			least = min(least, c+leastCost(cost, i+1, n, m, used, limit))
			used[j] = false
		}
	}
	return least
}

func TestAssign_RandomCosts_CheapestOfAll(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	var a Solver
	for range 2000 {
		n, m := rng.IntN(6), rng.IntN(6)
		cost := make([]float64, n*m)
		for i := range cost {
			cost[i] = rng.Float64()
		}
		const limit = 0.6
		got, taken := 0.0, make([]bool, m)
		for i, j := range a.Assign(cost, n, m, limit) {
			if j < 0 {
				got += limit
				continue
			}
			require.False(t, taken[j])
			taken[j] = true
			require.LessOrEqual(t, cost[i*m+j], limit)
			got += cost[i*m+j]
		}
		require.InDelta(t, leastCost(cost, 0, n, m, make([]bool, m), limit), got, 1e-9)
	}
}
