package cli

import (
	"os"
)

// Self returns the path by which to start this program again: of the file that runs, even
// if it was removed or replaced since (proc(5)).
func Self() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	return os.Executable()
}

// keepName sets the process's name, which is "exe" after a start by Self.
func keepName(name string) {
	_ = os.WriteFile("/proc/self/comm", []byte(name), 0) // for ps alone
}
