package pipeline

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/internal/backoff"
	"github.com/sightlog/sightlog/usage"
)

// Exit codes of detect that are its own word, not a crash.
const (
	exitUsage  = usage.ExitCode
	exitDamage = 3
)

// stopGrace is how long a child may take to write what it has seen when it is
// told to stop; then it is killed. What was not acknowledged is seen again.
const stopGrace = 1500 * time.Millisecond

// barren is how often in a row a child may crash without anything new in the
// log before the supervisor gives up: it would crash at the same frame again.
const barren = 5

// restartPauses are the pauses before a child that crashed is started again.
var restartPauses = backoff.Policy{First: 100 * time.Millisecond, Limit: 2 * time.Second}

// Child runs detect as a child process and restarts it when it crashes, so
// that a fault in a codec or a model cannot take the log with it.
type Child struct {
	Job    Job
	Args   []string                    // command line of the child, program first
	Report func(child int, now Status) // called by one goroutine, for every status; child counts from 1
	Stderr io.Writer                   // where the child's own messages go
	Log    *slog.Logger
}

// DamageError means that detect came to its end and found frames missing.
type DamageError struct{ What string }

func (e *DamageError) Error() string { return e.What }

// ExitCode is 3: finished, with damage reported.
func (e *DamageError) ExitCode() int { return exitDamage }

// Done reports whether err is of a job that was done: nil, or damage.
func Done(err error) bool {
	var d *DamageError
	return err == nil || errors.As(err, &d)
}

// Run returns nil when every source came to its end or ctx ended, a
// *usage.Error or *DamageError that detect reported, or why it gives up. A
// crash after the last source has ended, while codecs and model are closed,
// changes nothing about that. A child that cannot be started, or that somebody
// else told to stop, counts as one that crashed.
func (c *Child) Run(ctx context.Context) error {
	crashes := 0
	for child := 1; ; child++ {
		last, err := c.once(ctx, child)
		c.takeOver(last)
		var crash *crashError
		if ctx.Err() != nil || !errors.As(err, &crash) {
			return err
		}
		if last.AllEnded() && !last.Stopped {
			c.Log.Warn("detect crashed after every source had ended", "err", err)
			return last.damage()
		}
		acked := last.acked()
		if crashes++; acked > 0 {
			crashes = 1
		}
		if crashes >= barren && !c.Job.Wait {
			return fmt.Errorf("detect ended %d times without progress, the last time: %w", crashes, err)
		}
		// A signal that goes to all of a control group ends the child first, and us a
		// moment later: then it is no crash.
		if restartPauses.Wait(ctx, crashes) != nil {
			return nil
		}
		c.Log.Warn("detect ended, starting it again", "err", err, "acknowledged", acked)
	}
}

// crashError is an end that was not detect's own decision.
type crashError struct{ err error }

func (e *crashError) Error() string { return e.err.Error() }
func (e *crashError) Unwrap() error { return e.err }

// damage is the first damage that a source reported, or nil.
func (s Status) damage() error {
	for _, cam := range s.Cameras {
		if cam.Damage != "" {
			return &DamageError{What: cam.Damage}
		}
	}
	return nil
}

// acked is how many sightings the log has acknowledged.
func (s Status) acked() (n int64) {
	for _, cam := range s.Cameras {
		n += cam.Acked
	}
	return n
}

// takeOver keeps for the next child when sources may be tried again.
func (c *Child) takeOver(last Status) {
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
	cmd.ExtraFiles = []*os.File{statusW}
	if c.Job.Stdin {
		cmd.ExtraFiles = append(cmd.ExtraFiles, os.Stdin)
	}
	stderr := &stderrTail{to: c.Stderr}
	cmd.Stdout, cmd.Stderr = stderr, stderr
	// A group of its own: a terminal's Ctrl-C reaches the supervisor alone,
	// which stops the stages in the order of the data.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopGrace
	lifeline, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	statusW.Close()
	if err != nil {
		return last, &crashError{fmt.Errorf("start detect: %w", err)}
	}
	if err := c.Job.Write(lifeline); err != nil { // it died at once; Wait says how
		c.Log.Debug("the job did not reach detect", "err", err)
	}

	last = c.read(child, statusR)
	err = cmd.Wait()
	return last, verdict(ctx, err, last, stderr.cause())
}

// read reports every status until the child closes its end.
func (c *Child) read(child int, r io.Reader) (last Status) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxJob)
	for lines.Scan() {
		var s Status
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			c.Log.Warn("detect sent a status that does not decode", "err", err)
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

// verdict turns the child's end into an error. said is what the child wrote
// about it.
func verdict(ctx context.Context, err error, last Status, said string) error {
	if ctx.Err() != nil {
		return nil
	}
	if err == nil && last.Stopped {
		return &crashError{errors.New("detect was told to stop, but not by its supervisor")}
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
	if said != "" {
		said = "; " + said
	}
	return &crashError{fmt.Errorf("detect %s%s", howEnded(exit), said)}
}

// howEnded says how a process that crashed ended, with the signal's name.
func howEnded(exit *exec.ExitError) string {
	ws, ok := exit.Sys().(syscall.WaitStatus)
	if !ok || !ws.Signaled() {
		return "ended with " + exit.ProcessState.String()
	}
	if ws.Signal() == syscall.SIGKILL {
		return "was killed by SIGKILL (by hand, or the system was out of memory)"
	}
	return "was killed by " + unix.SignalName(ws.Signal())
}
