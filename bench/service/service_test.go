package service_test

import (
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/service"
)

func TestProgram_Lines_ValueByName(t *testing.T) {
	t.Parallel()
	p, err := service.Start("/bin/sh", "-c", "echo starting; echo broker=here:1; exec sleep 1000")
	require.NoError(t, err)
	v, err := p.Value(t.Context(), "broker")
	require.NoError(t, err)
	require.Equal(t, "here:1", v)
	require.NoError(t, p.Failed())
	require.Error(t, p.Stop(), "it ended by the signal")
	require.GreaterOrEqual(t, p.CPU().Nanoseconds(), int64(0))
}

func TestProgram_EndsEarly_ItsLastLineIsTheError(t *testing.T) {
	t.Parallel()
	p, err := service.Start("/bin/sh", "-c", "echo one >&2; echo the disk is full >&2; exit 3")
	require.NoError(t, err)
	_, err = p.Value(t.Context(), "broker")
	require.EqualError(t, err, "-c ended: exit status 3: the disk is full")
	require.Error(t, p.Failed())
}

func TestProgram_StoppedByRequest_NoError(t *testing.T) {
	t.Parallel()
	p, err := service.Start("/bin/sh", "-c", "trap 'kill $!; exit 0' TERM; sleep 1000 >&- 2>&- & echo ready=1; wait")
	require.NoError(t, err)
	_, err = p.Value(t.Context(), "ready")
	require.NoError(t, err)
	require.NoError(t, p.Stop())
}

// Not what getrusage(2) says of a child that has ended: that is at least what its parent had.
func TestUsage_MostMemory_OfTheChildAlone(t *testing.T) {
	t.Parallel()
	p, err := service.Start("/bin/sh", "-c", "echo ready=1; exec sleep 1000")
	require.NoError(t, err)
	_, err = p.Value(t.Context(), "ready")
	require.NoError(t, err)
	u, err := service.Usage("child", p.PID())
	require.NoError(t, err)
	require.Positive(t, u.RSS)
	require.Less(t, u.RSS, int64(8<<20))
	require.Error(t, p.Stop())
}

// A process that the child leaves behind has its standard error, and is not waited for.
func TestProgram_LeavesAProcessBehind_Ends(t *testing.T) {
	t.Parallel()
	p, err := service.Start("/bin/sh", "-c", "sleep 1000 >&- & echo left=$!")
	require.NoError(t, err)
	left, err := p.Value(t.Context(), "left")
	require.NoError(t, err)
	<-p.Ended()
	require.Zero(t, p.ExitCode())
	pid, err := strconv.Atoi(left)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
}

func TestEnvironment_KeysOfOurs_NotTheChilds(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"HOME=/h", "SIGHTLOG_ONNXRUNTIME=/lib"},
		service.Environment([]string{"HOME=/h", "SIGHTLOG_SINKS=4", "SIGHTLOG_ONNXRUNTIME=/lib"}))
}

func TestUsage_ThisProcess_AllOfProc(t *testing.T) {
	t.Parallel()
	u, err := service.Usage("test", os.Getpid())
	require.NoError(t, err)
	require.Equal(t, os.Getpid(), u.PID)
	require.NotEmpty(t, u.Name)
	require.Positive(t, u.RSS)
	require.Positive(t, u.Voluntary+u.Involuntary)
	own, err := service.Time(os.Getpid())
	require.NoError(t, err)
	family, err := service.FamilyTime(os.Getpid())
	require.NoError(t, err)
	require.Positive(t, own)
	require.GreaterOrEqual(t, family, own)
	_, err = service.Usage("test", 1<<30)
	require.Error(t, err)
	_, err = service.Time(5_000_000)
	require.Error(t, err)
}

func TestSince_TwoUsages_TheDifference(t *testing.T) {
	t.Parallel()
	before, err := service.Usage("test", os.Getpid())
	require.NoError(t, err)
	after := before
	after.User += 2
	after.Written += 4096
	after.RSS = 7
	got := service.Since(before, after)
	require.InDelta(t, 2, got.User, 1e-9)
	require.Zero(t, got.System)
	require.EqualValues(t, 4096, got.Written)
	require.EqualValues(t, 7, got.RSS)
}
