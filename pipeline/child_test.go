package pipeline_test

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/pipeline"
)

// shell runs a script as the child, which reports on descriptor 3, and returns
// how often it was started.
func shell(t *testing.T, script string) (starts int, err error) {
	t.Helper()
	started := filepath.Join(t.TempDir(), "started")
	child := pipeline.Child{
		Args:   []string{"sh", "-c", "echo >>" + started + "; " + script},
		Report: func(int, pipeline.Status) {},
		Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
	}
	err = child.Run(t.Context())
	lines, readErr := os.ReadFile(started)
	require.NoError(t, readErr)
	return len(lines), err
}

func TestChild_CrashWithoutProgress_CauseIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   []string
	}{
		"signal": {`echo 'level=WARN msg="a bad packet"' >&2; kill -SEGV $$`,
			[]string{"killed by SIGSEGV", `its last line: level=WARN msg="a bad packet"`}},
		"out of memory": {`kill -KILL $$`, []string{"killed by SIGKILL", "out of memory"}},
		"signal in C code": {`printf 'free(): invalid pointer\nSIGABRT: abort\nPC=0x1\n\ngoroutine 1 [running]:\n' >&2; exit 2`,
			[]string{"exit status 2; SIGABRT: abort; before that: free(): invalid pointer"}},
		"panic": {`printf 'panic: index out of range\n\ngoroutine 1 [running]:' >&2; exit 2`,
			[]string{"exit status 2; panic: index out of range"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			starts, err := shell(t, c.script)
			require.Equal(t, 5, starts)
			require.ErrorContains(t, err, "detect ended 5 times without progress")
			for _, want := range c.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "goroutine")
		})
	}
}

func TestChild_CrashAfterEverySourceEnded_IsTheEnd(t *testing.T) {
	t.Parallel()
	const ended = `{"id":"a","state":"ended"}`
	starts, err := shell(t, `echo '{"cameras":[`+ended+`]}' >&3; kill -SEGV $$`)
	require.NoError(t, err)
	require.Equal(t, 1, starts)

	starts, err = shell(t, `echo '{"cameras":[`+ended+`,{"id":"b","state":"ended","damage":"cut short"}]}' >&3; kill -SEGV $$`)
	require.True(t, pipeline.Done(err))
	require.EqualError(t, err, "cut short")
	require.Equal(t, 1, starts)

	starts, err = shell(t, `echo '{"cameras":[`+ended+`,{"id":"b","state":"running"}]}' >&3; kill -SEGV $$`)
	require.False(t, pipeline.Done(err))
	require.Equal(t, 5, starts)
}
