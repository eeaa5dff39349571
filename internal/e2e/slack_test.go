package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// The processes that work frame by frame have coarse timers in all their threads, that of
// the runtime's monitor too: the supervisor and its child.
func TestRun_Started_CoarseTimers(t *testing.T) {
	t.Parallel()
	slack := func(pid int) string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/timerslack_ns", pid))
		if err != nil {
			testenv.Skip(t, "the timer slack of others cannot be read: "+err.Error())
		}
		return strings.TrimSpace(string(b))
	}
	slack(os.Getpid())
	dir := dataDir(t)
	p := start(t, sightlog, "run", "--source", "hall=test://people", "--data", dir)
	endpoints(t, dir, p)
	waitRows(t, dir, 1)
	pids := children(p.cmd.Process.Pid)
	require.Len(t, pids, 1)
	for _, pid := range []int{p.cmd.Process.Pid, pids[0]} {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		require.NoError(t, err)
		require.Greater(t, len(threads), 3)
		for _, thread := range threads {
			var tid int
			_, err := fmt.Sscan(thread.Name(), &tid)
			require.NoError(t, err)
			require.Equal(t, "1000000", slack(tid))
		}
	}
	require.Zero(t, p.stop(t).code, p.output)
}
