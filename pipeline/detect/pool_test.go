package detect

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
)

// Go lowers GOMAXPROCS to the quota of the control group.
func TestThreadsOf_NotAsked_FollowTheQuota(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, quota := range []int{1, runtime.NumCPU() + 3} {
		runtime.GOMAXPROCS(quota)
		n, err := threadsOf(0)
		require.NoError(t, err)
		require.Equal(t, quota, n)
	}
	n, err := threadsOf(5)
	require.NoError(t, err)
	require.Equal(t, 5, n)
	_, err = threadsOf(-1)
	require.True(t, usage.Is(err))
}
