package full

import (
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/sightlog/sightlog/cli"
)

// slack is how much later than asked a sleep of the detector's threads may
// end.
const slack = time.Millisecond

// envSlack says that this program was started again, whether that helped or
// not.
const envSlack = "SIGHTLOG_TIMER_SLACK"

// withSlack starts this program again, once, with coarser timers. Where that
// cannot be it goes on with those it has.
//
// While a frame is being looked at, the Go runtime's monitor wakes every 20 µs
// to see whether the call into the model has returned: some thirty times a
// frame, 0.4 ms of processor for one of 8 ms. Its thread begins before any code
// of ours and only inherits timer slack, through exec, too (prctl(2)).
func withSlack() {
	if os.Getenv(envSlack) != "" {
		return
	}
	self, err := cli.Self()
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
