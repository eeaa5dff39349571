package disk_test

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/disk"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/usage"
)

// Each write is synced, and the sync belongs to the time.
func TestMeasure_SlowSync_InEachTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, err := disk.Open(dir)
	require.NoError(t, err)
	syncs := int64(0)
	const slow = 20 * time.Millisecond
	p.Sync = func(int) error {
		syncs++
		<-time.After(slow)
		return nil
	}
	h := result.NewHistogram()
	require.NoError(t, p.Measure(t.Context(), 5000, 100*time.Millisecond, h))
	require.Equal(t, syncs, h.N())
	require.GreaterOrEqual(t, h.Min(), 19.9, "milliseconds, to a part in a thousand")
	p.Sync = func(int) error { return errors.New("gone") }
	require.ErrorContains(t, p.Measure(t.Context(), 1, 0, h), "gone")
	require.NoError(t, p.Close())
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestOpen_DirectoryMissing_UsageError(t *testing.T) {
	t.Parallel()
	_, err := disk.Open("/no/such/directory")
	require.True(t, usage.Is(err), "%v", err)
}
