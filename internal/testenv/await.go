package testenv

import (
	"testing"
	"time"
)

// Await waits for ok. The limit is only there to name what a hang waited for.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	limit := time.After(time.Minute)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("waited a minute for " + what)
		}
	}
}
