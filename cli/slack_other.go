//go:build !linux

package cli

// CoarseTimers does something on Linux alone.
func CoarseTimers() {}
