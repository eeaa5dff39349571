package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// passedOn are the signals that process 1 forwards.
var passedOn = append([]os.Signal{syscall.SIGUSR1, syscall.SIGUSR2}, ends...)

// runAsFirst runs the program again as a child if this process is process 1, as in a
// container. Process 1 becomes the parent of every orphan (the sessions of a database
// whose server was killed) and has to wait for each, or they stay as zombies and process
// ids run out. A program that waits for children of its own (os/exec) cannot do that. It
// forwards signals and returns the child's exit code. ok is false if this is not process 1
// or the child cannot be started.
func runAsFirst() (code int, ok bool) {
	if os.Getpid() != 1 {
		return 0, false
	}
	self, err := Self()
	if err != nil {
		return 0, false
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn...)
	defer signal.Stop(signals)
	// A process group of its own, in the foreground of the terminal if there is one:
	// Ctrl-C reaches the child once.
	attr := &syscall.SysProcAttr{Setpgid: true}
	if _, err := unix.IoctlGetInt(0, unix.TIOCGPGRP); err == nil {
		attr = &syscall.SysProcAttr{Foreground: true, Ctty: 0}
	}
	child, err := syscall.ForkExec(self, os.Args, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: attr})
	if err != nil {
		return 0, false
	}
	go func() { // ends with the process, which ends with the child
		for s := range signals {
			_ = syscall.Kill(child, s.(syscall.Signal)) // it fails only if the child has ended
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 1, true
		case pid == child && status.Signaled():
			return 128 + int(status.Signal()), true
		case pid == child:
			return status.ExitStatus(), true
		}
	}
}
