package cli

import (
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// slack is how much later than asked a thread's sleep may end.
const slack = time.Millisecond

// envSlack says that this program was started again, whether that helped or
// not.
const envSlack = "SIGHTLOG_TIMER_SLACK"

// CoarseTimers starts this program again, once, with coarser timers. Where that cannot be
// it goes on with those it has. A command that works frame by frame calls it before it does
// anything else.
//
// While a thread is in a system call (the model, a sync of the disk, a wait for the next
// frame) the Go runtime's monitor wakes every 20 µs to see whether it has returned: some
// thirty times a frame, 0.4 ms of processor in the detector and as much in the services.
// Its thread begins before any code of ours and only inherits timer slack, through exec,
// too (prctl(2)).
func CoarseTimers() {
	if os.Getenv(envSlack) != "" {
		return
	}
	self, err := Self()
	if err != nil {
		return
	}
	args := slices.Clone(os.Args)
	if path, err := os.Executable(); err == nil {
		args[0] = path // what ps shows
	}
	runtime.LockOSThread() // slack is a thread's own, and exec keeps that of its caller
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_TIMERSLACK, uintptr(slack), 0); errno == 0 {
		_ = syscall.Exec(self, args, append(os.Environ(), envSlack+"="+slack.String()))
	}
}
