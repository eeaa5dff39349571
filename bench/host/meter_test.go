package host

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/result"
)

func used(pid, parent int, part string, user, system, waited time.Duration, written int64) usage {
	return usage{stat: stat{pid: pid, parent: parent, name: part, user: user, system: system, waited: waited, began: uint64(pid)}, part: part, written: written}
}

// Time of a process that ended meanwhile is that of its parent, less what it had before.
func TestTaken_ProcessEndsMeanwhile_ItsTimeIsCountedOnce(t *testing.T) {
	t.Parallel()
	const s = time.Second
	before := sample{ours: map[int]usage{
		1: used(1, 0, Services, 10*s, s, 0, 100), 2: used(2, 1, Postgres, 5*s, s, 3*s, 0), 3: used(3, 2, Postgres, 2*s, s, 0, 0),
	}}
	again := used(4, 1, Detect, 7*s, s, 0, 30)
	after := sample{ours: map[int]usage{
		1: used(1, 0, Services, 12*s, 2*s, 0, 150), 2: used(2, 1, Postgres, 6*s, s, 3*s+8*s, 0), 4: again,
	}}
	got := taken(before, after)
	require.Equal(t, []result.Process{
		{Part: Detect, Name: Detect, PID: 4, User: 7, System: 1, Written: 30},
		{Part: Postgres, Name: Postgres, PID: 2, User: 1 + 8 - 3},
		{Part: Services, Name: Services, PID: 1, User: 2, System: 1, Written: 50},
	}, got)
}

func TestBusy_OtherProcesses_NamedByTheirShare(t *testing.T) {
	t.Parallel()
	at := time.Now()
	before := sample{at: at, others: map[int]stat{7: {pid: 7, name: "quiet", user: time.Second}, 8: {pid: 8, name: "busy", user: time.Second}}}
	after := sample{at: at.Add(10 * time.Second), others: map[int]stat{
		7: {pid: 7, name: "quiet", user: 1100 * time.Millisecond}, 8: {pid: 8, name: "busy", user: 3 * time.Second, system: 3 * time.Second},
		9: {pid: 9, name: "new", began: 3, user: 9 * time.Second},
	}}
	require.Equal(t, []result.Other{{Name: "new", PID: 9, CPU: .9}, {Name: "busy", PID: 8, CPU: .5}}, busy(before, after))
}

// A child is found and told apart from this process and from others.
func TestMeter_ProcessWithAChild_BothAreFound(t *testing.T) {
	if _, ok := readStat(os.Getpid()); !ok {
		t.Skip("no /proc here")
	}
	cmd := exec.Command("cat")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	m := Begin(0)
	u := m.End()
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	parts := make(map[int]string)
	for _, p := range u.Processes {
		parts[p.PID] = p.Part
		require.GreaterOrEqual(t, p.User, 0.)
	}
	require.Equal(t, Services, parts[os.Getpid()])
	require.Equal(t, Detect, parts[cmd.Process.Pid])
	require.NotContains(t, parts, os.Getppid())
	require.Positive(t, u.Seconds)
	require.GreaterOrEqual(t, u.Busy, 0.)
	require.LessOrEqual(t, u.Busy, 1.)
}

func TestDescribe_ThisMachine_IsKnown(t *testing.T) {
	t.Parallel()
	m := Describe()
	require.NotEmpty(t, m.OS)
	require.Positive(t, m.CPUs)
	require.NotEmpty(t, m.Kernel)
	require.True(t, SameFileSystem(".", "."))
	require.NotEmpty(t, FileSystem("."))
}
