//go:build !linux

package camera

// withSlack does something on Linux alone.
func withSlack() {}
