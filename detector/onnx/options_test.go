package onnx

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// Go lowers GOMAXPROCS to the quota of the control group.
func TestOptions_Threads_FollowTheQuota(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for quota, want := range map[int]int{1: 1, 3: 3, 64: 4} {
		runtime.GOMAXPROCS(quota)
		require.Equal(t, want, (&Options{}).threads())
	}
	require.Equal(t, 7, (&Options{Threads: 7}).threads())
}
