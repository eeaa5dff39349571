package postgres_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// A pooler in transaction mode gives a client another session of the server at
// each transaction, which has not the statements that the client prepared.
func TestOpen_PoolerInTransactionMode_NoStatementIsMissing(t *testing.T) {
	t.Parallel()
	pool := pgtest.Pool(t, pgtest.Bouncer(t, pgtest.Empty(t, "")))
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for i := range 30 {
				var got int
				err := pool.QueryRow(t.Context(), fmt.Sprintf("SELECT $1::int + %d", i%5), client).Scan(&got)
				if err != nil || got != client+i%5 {
					t.Errorf("%d: %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
	require.False(t, t.Failed())
}
