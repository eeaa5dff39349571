package cli

import (
	"errors"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// passedOn are the signals that process 1 hands on.
var passedOn = append([]os.Signal{syscall.SIGUSR1, syscall.SIGUSR2}, ends...)

// runAsFirst runs the program again as a child, when this one is process 1, as
// in a container: that gets every orphan (the sessions of a database whose
// server was killed), and has to wait for each, or they stay as zombies and
// process ids run out. Who also waits for children of its own (os/exec) cannot
// do that. It hands signals on and returns the child's exit code; ok is false
// where it is not process 1 or the child cannot be started.
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
	// A process group of its own, in the terminal's foreground where there is
	// one: Ctrl-C reaches the child once.
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
			_ = syscall.Kill(child, s.(syscall.Signal)) // a child that is gone needs none
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
