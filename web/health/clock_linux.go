package health

import "golang.org/x/sys/unix"

// clock says whether the kernel's clock is kept right; false if it does not say.
func clock() (Part, bool) {
	var t unix.Timex
	state, err := unix.Adjtimex(&t) // changes nothing: no mode is set
	if err != nil {
		return Part{}, false
	}
	if state == unix.TIME_ERROR || t.Status&unix.STA_UNSYNC != 0 {
		return Part{
			Name: "clock", Level: Warning, Detail: "The clock of this machine is not synchronised: times may be wrong, and differ from those of other machines.",
			Fix: "Install chrony, or switch on systemd-timesyncd.",
		}, true
	}
	return Part{Name: "clock", Level: OK, Detail: "The clock is synchronised."}, true
}
