//go:build !linux

package full

// withSlack does something on Linux alone.
func withSlack() {}
