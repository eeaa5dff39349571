package postgres_test

import (
	"context"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
)

func TestKilledServerComesBackAtTheSameAddress(t *testing.T) {
	p, err := postgres.StartPrivate(t.Context(), pgtest.Dir(t), nil)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan error, 1)
	url, pid := p.URL(), p.PID()
	go func() { kept <- p.Keep(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-kept)
		require.NoError(t, p.Stop(context.Background()))
	})

	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	require.Eventually(t, func() bool {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return false
		}
		defer conn.Close(t.Context())
		var n int
		return conn.QueryRow(t.Context(), "select 1").Scan(&n) == nil
	}, 60e9, 20e6)
}
