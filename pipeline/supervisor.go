package pipeline

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/live"
	"github.com/sightlog/sightlog/usage"
)

// Exit codes with which detect ends deliberately. Any other is a crash.
const (
	exitUsage  = usage.ExitCode
	exitDamage = 3
)

// stopGrace is how long a child that is asked to stop may take to write its sightings;
// then it is killed. Frames whose sightings were not acknowledged are processed again.
const stopGrace = 1500 * time.Millisecond

// maxCrashesWithoutProgress is how often in a row a child may crash without new
// sightings in the log before the supervisor gives up: it would crash at the same frame
// again. With Job.Wait it does not give up.
const maxCrashesWithoutProgress = 5

// restartPauses are the pauses before a child that crashed is started again.
var restartPauses = backoff.Policy{First: 100 * time.Millisecond, Limit: 2 * time.Second}

// Child runs detect as a child process and restarts it when it crashes, so
// that a fault in a codec or a model cannot take the log with it.
type Child struct {
	Job    Job                         // before Run; then mu guards it
	Args   []string                    // command line of the child, program first
	Report func(child int, now Status) // called by one goroutine, for every status; child counts from 1
	Live   *live.Client                // gets the child's pictures; may be nil
	Stderr io.Writer                   // of the child
	Log    *slog.Logger

	mu      sync.Mutex    // guards Job and changed
	changed chan struct{} // capacity 1: the running child does not have Job yet; nil: none runs
}

// DamageError means that detect read its sources to their ends and found frames missing.
type DamageError struct{ What string }

func (e *DamageError) Error() string { return e.What }

// ExitCode is 3: finished, with damage reported.
func (e *DamageError) ExitCode() int { return exitDamage }

// Done reports whether err is the result of a job that was completed: nil, or damage.
func Done(err error) bool {
	var d *DamageError
	return err == nil || errors.As(err, &d)
}

// Run returns nil when every source was read to its end or ctx ended, a *usage.Error or
// *DamageError that detect reported, or the reason for which it gives up, which it never
// does with Job.Wait: broker, database and sinks go on, and other sources with them once
// detect lasts. A crash after
// the last source has ended, while codecs and model are closed, is only logged. A child
// that cannot be started, or that another process stopped, counts as one that crashed.
func (c *Child) Run(ctx context.Context) error {
	c.mu.Lock()
	c.Job.LiveFD = c.Live != nil
	c.mu.Unlock()
	crashes := 0
	for child := 1; ; child++ {
		last, err := c.once(ctx, child)
		c.keepRetryTimes(last)
		var crash *crashError
		if !errors.As(err, &crash) { // also of a child that ctx ended
			return err
		}
		if last.AllEnded() && !last.Stopped {
			c.Log.Warn("detect crashed after every source had ended", "err", err)
			return last.damage()
		}
		acked := last.acked()
		if crashes++; acked > 0 {
			crashes = 0
		}
		if crashes >= maxCrashesWithoutProgress && !c.Job.Wait {
			return fmt.Errorf("detect ended %d times without progress, the last time: %w", crashes, err)
		}
		// A signal to a whole control group ends the child first, and ctx a moment
		// later: then the end is no crash.
		if restartPauses.Wait(ctx, crashes) != nil {
			return nil
		}
		c.Log.Warn("detect ended, starting it again", "err", err, "acknowledged", acked)
	}
}

// CheckModel has detect choose and check the job's model, and no more, in a process that
// ends with the check: the supervisor, which holds the log, loads no model. It returns the
// model, so that each child of the job has the same one. The error is a *usage.Error if the
// model does not fit the job.
func CheckModel(ctx context.Context, job Job, detect []string, log *slog.Logger) (model string, err error) {
	c := Child{Job: job, Args: append(slices.Clone(detect), "--check-model"), Report: func(int, Status) {}, Stderr: io.Discard, Log: log}
	last, err := c.once(ctx, 1)
	var crash *crashError
	if errors.As(err, &crash) {
		err = fmt.Errorf("open --model %s: %w", job.Detect.Model, err)
	}
	return cmp.Or(last.Model, job.Detect.Model), err // none was chosen if ctx has ended
}

// crashError is an end of detect that was not its own decision.
type crashError struct{ err error }

func (e *crashError) Error() string { return e.err.Error() }
func (e *crashError) Unwrap() error { return e.err }

// damage returns the first damage that a source reported, or nil.
func (s Status) damage() error {
	for _, cam := range s.Cameras {
		if cam.Damage != "" {
			return &DamageError{What: cam.Damage}
		}
	}
	return nil
}

// acked returns the number of sightings that the log has acknowledged.
func (s Status) acked() (n int64) {
	for _, cam := range s.Cameras {
		n += cam.Acked
	}
	return n
}

// keepRetryTimes passes on to the next child when each source may be tried again.
func (c *Child) keepRetryTimes(last Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Job.Hold == nil {
		c.Job.Hold = make(map[string]time.Time)
	}
	for _, cam := range last.Cameras {
		c.Job.Hold[cam.ID] = cam.Retry
	}
}

// once runs the child to its end and returns its last status.
func (c *Child) once(ctx context.Context, child int) (last Status, err error) {
	statusR, statusW, err := os.Pipe()
	if err != nil {
		return last, &crashError{fmt.Errorf("open the status pipe: %w", err)}
	}
	defer statusR.Close()

	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	if path, err := os.Executable(); err == nil && c.Args[0] == "/proc/self/exe" {
		cmd.Args[0] = path // what ps shows
	}
	cmd.ExtraFiles = []*os.File{statusW, nil, nil}
	if c.Job.Stdin {
		cmd.ExtraFiles[StdinFD-ChildFD] = os.Stdin
	}
	pictures, ended, err := attachLive(ctx, c.Live, c.Log)
	if err != nil {
		statusW.Close()
		return last, &crashError{err}
	}
	defer ended()
	cmd.ExtraFiles[LiveFD-ChildFD] = pictures
	stderr := &stderrTail{to: c.Stderr}
	cmd.Stdout, cmd.Stderr = stderr, stderr
	// A process group of its own: a terminal's Ctrl-C reaches the supervisor alone, which
	// stops the services in the order of the data.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopGrace
	lifeline, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	statusW.Close()
	if pictures != nil {
		pictures.Close()
	}
	if err != nil {
		return last, &crashError{fmt.Errorf("start detect: %w", err)}
	}
	stopFeeding := c.feed(lifeline)

	last = c.read(child, statusR)
	err = cmd.Wait()
	stopFeeding()
	return last, exitError(ctx, err, last, stderr.cause())
}

// Change gives the cameras other settings: the running child goes on with them, and so do
// those after it. It returns their number (CameraStatus.Settings).
func (c *Child) Change(cameras map[string]config.CameraSettings) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Job.Cameras = cameras
	c.Job.Settings++
	if c.changed != nil {
		select {
		case c.changed <- struct{}{}:
		default: // the child has not been sent the change before; now it gets both
		}
	}
	return c.Job.Settings
}

// Settings returns the cameras' settings. They must not be changed.
func (c *Child) Settings() map[string]config.CameraSettings {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Job.Cameras
}

// feed sends the job to a child, and again whenever it has changed, until the returned
// function is called, after the child's end.
func (c *Child) feed(lifeline io.Writer) (stop func()) {
	changed := make(chan struct{}, 1)
	changed <- struct{}{}
	c.mu.Lock()
	c.changed = changed
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range changed {
			c.mu.Lock()
			job := c.Job
			c.mu.Unlock()
			if err := job.Write(lifeline); err != nil { // the child has ended; Wait returns why
				c.Log.Debug("cannot write the job to detect", "err", err)
				return
			}
		}
	}()
	return func() {
		c.mu.Lock()
		c.changed = nil
		close(changed)
		c.mu.Unlock()
		<-done
	}
}

// read reports every status until the child closes its end of the pipe.
func (c *Child) read(child int, r io.Reader) (last Status) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxJob)
	for lines.Scan() {
		var s Status
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			c.Log.Warn("cannot decode a status of detect", "err", err)
			continue
		}
		if s.Cameras == nil {
			s.Cameras = last.Cameras
		}
		last = s
		c.Report(child, s)
	}
	return last
}

// exitError returns the error that the child's end stands for. lastLogged is the
// child's own last message about it.
func exitError(ctx context.Context, err error, last Status, lastLogged string) error {
	if ctx.Err() != nil {
		return nil
	}
	if err == nil && last.Stopped {
		return &crashError{errors.New("detect was stopped, but not by its supervisor")}
	}
	if err == nil {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("wait for detect: %w", err)
	}
	switch {
	case exit.ExitCode() == exitUsage && last.Error != "":
		return &usage.Error{What: last.Error}
	case exit.ExitCode() == exitDamage && last.Error != "":
		return &DamageError{What: last.Error}
	case last.Error != "":
		return &crashError{errors.New(last.Error)}
	}
	if lastLogged != "" {
		lastLogged = "; " + lastLogged
	}
	return &crashError{fmt.Errorf("detect %s%s", describeExit(exit), lastLogged)}
}

// describeExit describes the end of a process that crashed, with the signal's name.
func describeExit(exit *exec.ExitError) string {
	ws, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return "ended with " + exit.ProcessState.String()
	}
	if ws.Signal() == syscall.SIGKILL {
		return "was killed by SIGKILL (by hand, or the system was out of memory)"
	}
	return "was killed by " + unix.SignalName(ws.Signal())
}
