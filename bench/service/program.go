package service

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Program is a running child.
type Program struct {
	cmd    *exec.Cmd
	output bytes.Buffer  // of standard error; read it when the child has ended
	lines  chan string   // of standard output; closed at its end
	ended  chan struct{} // closed when the child has ended
	err    error         // how; read it after ended is closed
}

// outputTime is how long the rest of a child's output is waited for once it has ended.
const outputTime = 5 * time.Second

// Start starts a program, which is killed should this process die. It stops by Stop alone:
// a Ctrl-C that the terminal sends to all is not for it.
func Start(exe string, args ...string) (*Program, error) { return StartIn("", exe, args...) }

// StartIn is Start with a directory for temporary files; "" is the system's.
func StartIn(temporary, exe string, args ...string) (*Program, error) {
	p := &Program{cmd: exec.Command(exe, args...), lines: make(chan string, 64), ended: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	p.cmd.Stderr = &p.output
	p.cmd.WaitDelay = outputTime
	p.cmd.Env = Environment(os.Environ())
	if temporary != "" {
		p.cmd.Env = append(p.cmd.Env, "TMPDIR="+temporary)
	}
	started := make(chan error)
	go func() { // ends with the child
		runtime.LockOSThread() // the child is killed when the thread ends that started it
		defer runtime.UnlockOSThread()
		defer close(p.ended)
		out, err := p.cmd.StdoutPipe()
		if err == nil {
			err = p.cmd.Start()
		}
		started <- err
		if err == nil {
			p.read(out)
			if p.err = p.cmd.Wait(); errors.Is(p.err, exec.ErrWaitDelay) {
				p.err = nil // a process that it left behind has its standard error
			}
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	return p, nil
}

// Environment returns ours without the keys of sightlog's, which would be those of a child,
// too.
func Environment(ours []string) (env []string) {
	for _, v := range ours {
		if !strings.HasPrefix(v, "SIGHTLOG_") || strings.HasPrefix(v, "SIGHTLOG_ONNXRUNTIME=") {
			env = append(env, v)
		}
	}
	return env
}

func (p *Program) read(out io.Reader) {
	defer close(p.lines)
	for scan := bufio.NewScanner(out); scan.Scan(); {
		select {
		case p.lines <- scan.Text():
		default: // nobody waits for it
		}
	}
}

// PID is the child's process id.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Value waits for a line NAME=VALUE of the child's output.
func (p *Program) Value(ctx context.Context, name string) (string, error) {
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				<-p.ended
				return "", p.failure()
			}
			if k, v, found := strings.Cut(line, "="); found && k == name {
				return v, nil
			}
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// Ended is closed when the child has ended.
func (p *Program) Ended() <-chan struct{} { return p.ended }

// Failed returns how the child has ended, nil while it runs.
func (p *Program) Failed() error {
	select {
	case <-p.ended:
		return p.failure()
	default:
		return nil
	}
}

// LastLine is the last of what the child wrote to standard error, once it has ended.
func (p *Program) LastLine() string {
	<-p.ended
	lines := strings.Split(strings.TrimSpace(p.output.String()), "\n")
	return lines[len(lines)-1]
}

// ExitCode is the child's, once it has ended; -1 if a signal ended it.
func (p *Program) ExitCode() int {
	<-p.ended
	return p.cmd.ProcessState.ExitCode()
}

// failure describes how the child ended, on one line.
func (p *Program) failure() error {
	how := "it was done"
	if p.err != nil {
		how = p.err.Error()
	}
	return fmt.Errorf("%s ended: %s: %s", p.cmd.Args[1], how, p.LastLine())
}

// stopTime is how long a child may take to stop.
const stopTime = 20 * time.Second

// Stop ends the child with SIGTERM, or if that does not help with SIGKILL, and waits for it.
func (p *Program) Stop() error {
	if err := p.Failed(); err != nil {
		return err
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it fails only if the child has ended
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill()
		<-p.ended
	}
	if p.err != nil {
		return p.failure()
	}
	return nil
}

// CPU is the processor time that the child used, once it has ended.
func (p *Program) CPU() time.Duration {
	<-p.ended
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}
