package testenv

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// Namespaces returns the attributes that start a process in namespaces of its
// own (syscall.CLONE_NEWNS, …), and skips the test where only others may.
func Namespaces(t testing.TB, flags uintptr) *syscall.SysProcAttr {
	t.Helper()
	attr := func() *syscall.SysProcAttr {
		a := &syscall.SysProcAttr{Cloneflags: flags}
		if flags&syscall.CLONE_NEWNS != 0 {
			a.Cloneflags &^= syscall.CLONE_NEWNS
			a.Unshareflags = syscall.CLONE_NEWNS // with which mounts stay there
		}
		return a
	}
	if os.Geteuid() != 0 {
		Skip(t, "not root: only root makes namespaces")
	}
	try := exec.Command("true")
	try.SysProcAttr = attr()
	if err := try.Run(); err != nil {
		Skip(t, "no namespaces here: "+err.Error())
	}
	return attr()
}
