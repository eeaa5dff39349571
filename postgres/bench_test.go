package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
)

// BenchmarkFirstStart makes a cluster and starts its server.
func BenchmarkFirstStart(b *testing.B) {
	for b.Loop() {
		p, err := postgres.StartPrivate(b.Context(), pgtest.Dir(b), nil)
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, p.Stop(b.Context()))
		b.StartTimer()
	}
}

// BenchmarkStart starts the server of a cluster that was stopped cleanly.
func BenchmarkStart(b *testing.B) {
	dir := pgtest.Dir(b)
	p, err := postgres.StartPrivate(b.Context(), dir, nil)
	require.NoError(b, err)
	require.NoError(b, p.Stop(b.Context()))
	for b.Loop() {
		p, err := postgres.StartPrivate(b.Context(), dir, nil)
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, p.Stop(b.Context()))
		b.StartTimer()
	}
}

// BenchmarkStop stops an idle server.
func BenchmarkStop(b *testing.B) {
	dir := pgtest.Dir(b)
	for b.Loop() {
		b.StopTimer()
		p, err := postgres.StartPrivate(b.Context(), dir, nil)
		require.NoError(b, err)
		b.StartTimer()
		require.NoError(b, p.Stop(b.Context()))
	}
}
