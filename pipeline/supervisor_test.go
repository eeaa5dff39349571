package pipeline_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/pipeline"
)

// shell runs a script as the child, which reports on descriptor 3, and returns
// how often it was started; the file $started has a line for each.
func shell(t *testing.T, script string) (starts int, err error) {
	t.Helper()
	started := filepath.Join(t.TempDir(), "started")
	child := pipeline.Child{
		Args:   []string{"sh", "-c", "started=" + started + "; echo >>$started; " + script},
		Report: func(int, pipeline.Status) {},
		Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
	}
	err = child.Run(t.Context())
	lines, readErr := os.ReadFile(started)
	require.NoError(t, readErr)
	return len(lines), err
}

func TestChild_CrashWithoutProgress_CauseIsReported(t *testing.T) {
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

// The crash after progress is none of those without.
func TestChild_CrashesAfterProgress_FiveMoreBeforeItGivesUp(t *testing.T) {
	defer pipeline.SetRestartPause(time.Millisecond)()
	starts, err := shell(t, `[ $(wc -l <"$started") -gt 1 ] || echo '{"cameras":[{"id":"a","acked":7}]}' >&3; kill -SEGV $$`)
	require.ErrorContains(t, err, "detect ended 5 times without progress")
	require.Equal(t, 6, starts)
}

func TestChild_CrashesWithoutProgressAndWait_NeverGivesUp(t *testing.T) {
	defer pipeline.SetRestartPause(time.Millisecond)()
	started := filepath.Join(t.TempDir(), "started")
	child := pipeline.Child{
		Job:    pipeline.Job{Wait: true},
		Args:   []string{"sh", "-c", `echo >>"$0"; [ $(wc -l <"$0") -gt 12 ] || kill -SEGV $$`, started},
		Report: func(int, pipeline.Status) {}, Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
	}
	require.NoError(t, child.Run(t.Context()))
}

func TestChild_CrashAfterEverySourceEnded_IsAWarning(t *testing.T) {
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

// One that cannot be started may be the next time: a fork that failed, a file
// that is just replaced.
func TestChild_CannotBeStarted_IsRetried(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "detect")
	made := &onLine{words: "starting it again", do: func() {
		if _, err := os.Stat(program); err != nil {
			require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\nexit 0\n"), 0o755))
		}
	}}
	child := pipeline.Child{
		Args: []string{program}, Report: func(int, pipeline.Status) {},
		Stderr: io.Discard, Log: slog.New(slog.NewTextHandler(made, nil)),
	}
	require.NoError(t, child.Run(t.Context()))

	child.Args = []string{program + " that is missing"}
	require.ErrorContains(t, child.Run(t.Context()), "detect ended 5 times without progress, the last time: start detect")
}

type onLine struct {
	words string
	do    func()
}

func (l *onLine) Write(b []byte) (int, error) {
	if strings.Contains(string(b), l.words) {
		l.do()
	}
	return len(b), nil
}

// A signal for the child alone is not the end of the run, although its live
// sources have ended with it.
func TestChild_StoppedByAnotherProcess_Restarted(t *testing.T) {
	t.Parallel()
	starts, err := shell(t, `echo '{"cameras":[{"id":"a","live":true,"state":"ended"}]}' >&3; echo '{"cameras":null,"stopped":true}' >&3`)
	require.ErrorContains(t, err, "stopped, but not by its supervisor")
	require.Equal(t, 5, starts)
}

// A signal to a whole control group ends detect first and the supervisor a moment later.
// The pause before a restart is the time for that: until it is over nothing is started
// again, and the end is none of detect's.
func TestChild_ControlGroupIsAskedToEnd_NoCrash(t *testing.T) {
	defer pipeline.SetRestartPause(time.Hour)()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := t.TempDir()
	logged := &onLine{words: "starting it again", do: func() { t.Error("the end of a control group is a crash") }}
	// The test ends ctx when the process that detect was is gone.
	ended := make(chan error, 1)
	child := pipeline.Child{
		Args:   []string{"sh", "-c", `echo $$ >>"$0/started"; echo '{"cameras":[{"id":"a","live":true,"state":"ended"}]}' >&3; echo '{"cameras":null,"stopped":true}' >&3`, dir},
		Report: func(int, pipeline.Status) {}, Stderr: io.Discard, Log: slog.New(slog.NewTextHandler(logged, nil)),
	}
	go func() { ended <- child.Run(ctx) }()
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "started"))
		first, again, _ := strings.Cut(string(text), "\n")
		pid, notYet := strconv.Atoi(first)
		return err == nil && (again != "" || notYet == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH))
	}, time.Minute, 5*time.Millisecond)
	cancel()
	require.NoError(t, <-ended)
	text, err := os.ReadFile(filepath.Join(dir, "started"))
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(text), "\n"), "detect was started again")
}

// What detect says of when a source may be tried again outlives its crash.
func TestChild_Crashes_TheNextGetsTheRetryTimes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "jobs")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	jobs, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer jobs.Close()
	until := time.Now().Add(10 * time.Minute).UTC().Truncate(time.Second)
	status, err := json.Marshal(pipeline.Status{Cameras: []pipeline.CameraStatus{{ID: "porch", Retry: until}, {ID: "yard"}}})
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	c := &pipeline.Child{
		Args:   []string{"/bin/sh", "-c", `read -r job; echo "$job" >"$0"; echo "$1" >&3; exit 1`, path, string(status)},
		Report: func(int, pipeline.Status) {}, Stderr: io.Discard, Log: slog.New(slog.DiscardHandler),
	}
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	lines := bufio.NewScanner(jobs)
	var got [2]pipeline.Job
	for i := range got {
		require.True(t, lines.Scan())
		got[i], err = pipeline.NewJobs(strings.NewReader(lines.Text() + "\n")).Next()
		require.NoError(t, err)
	}
	cancel()
	require.NoError(t, <-done)
	require.Empty(t, got[0].Hold)
	require.Equal(t, until, got[1].Hold["porch"].UTC())
	require.True(t, got[1].Hold["yard"].IsZero())
}
