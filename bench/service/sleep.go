package service

import (
	"time"

	"golang.org/x/sys/unix"
)

// SleepUntil sleeps in the kernel until a load's next record is due: the runtime's own timers
// are up to a millisecond late.
func SleepUntil(due time.Time) {
	for d := time.Until(due); d > 0; d = time.Until(due) {
		t := unix.NsecToTimespec(d.Nanoseconds())
		_ = unix.Nanosleep(&t, nil) // a signal ends it early
	}
}
