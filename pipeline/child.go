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

// Child runs detect as a child process and restarts it when it crashes, so
// that a fault in a codec or a model cannot take the log with it.
type Child struct {
	Job    Job
	Args   []string     // command line of the child, program first
	Report func(Status) // called by one goroutine, for every status
	Stderr io.Writer    // where the child's own messages go
	Log    *slog.Logger
}

// DamageError means that detect came to its end and found frames missing.
type DamageError struct{ What string }

func (e *DamageError) Error() string { return e.What }

// ExitCode is 3: finished, with damage reported.
func (e *DamageError) ExitCode() int { return exitDamage }

// Run returns nil when every source came to its end or ctx ended, a
// *usage.Error or *DamageError that detect reported, or why it gives up.
func (c *Child) Run(ctx context.Context) error {
	crashes := 0
	for {
		acked, err := c.once(ctx)
		var crash *crashError
		if ctx.Err() != nil || !errors.As(err, &crash) {
			return err
		}
		if crashes++; acked > 0 {
			crashes = 1
		}
		if crashes >= barren && !c.Job.Wait {
			return fmt.Errorf("detect ended %d times without progress, the last time: %w", crashes, err)
		}
		c.Log.Warn("detect ended, starting it again", "err", err, "acknowledged", acked)
		select {
		case <-time.After(min(100*time.Millisecond<<(crashes-1), 2*time.Second)):
		case <-ctx.Done():
			return nil
		}
	}
}

// crashError is an end that was not detect's own decision.
type crashError struct{ err error }

func (e *crashError) Error() string { return e.err.Error() }
func (e *crashError) Unwrap() error { return e.err }

// once runs the child to its end and returns how many sightings the log
// acknowledged meanwhile.
func (c *Child) once(ctx context.Context) (acked int64, err error) {
	statusR, statusW, err := os.Pipe()
	if err != nil {
		return 0, fmt.Errorf("open the status pipe: %w", err)
	}
	defer statusR.Close()

	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.ExtraFiles = []*os.File{statusW}
	cmd.Stdout, cmd.Stderr = c.Stderr, c.Stderr
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
		return 0, fmt.Errorf("start detect: %w", err)
	}
	job, err := json.Marshal(c.Job)
	if err == nil {
		_, err = lifeline.Write(append(job, '\n'))
	}
	if err != nil { // it died at once; Wait says how
		c.Log.Debug("the job did not reach detect", "err", err)
	}

	last := c.read(statusR)
	for _, cam := range last.Cameras {
		acked += cam.Acked
	}
	return acked, verdict(ctx, cmd.Wait(), last)
}

// read reports every status until the child closes its end.
func (c *Child) read(r io.Reader) (last Status) {
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
		c.Report(s)
	}
	return last
}

// verdict turns the child's end into an error.
func verdict(ctx context.Context, err error, last Status) error {
	if ctx.Err() != nil || err == nil {
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
	return &crashError{fmt.Errorf("detect: %w", err)}
}
