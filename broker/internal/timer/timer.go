package timer

import (
	"sync"
	"time"
)

// Set runs functions after a delay, until it is stopped. Each function runs in a
// goroutine of its own. It must check, under the lock of its subject, that it still
// applies: it may have begun before its timer was cancelled.
type Set struct {
	mu      sync.Mutex // guards stopped, and running against stop's Wait
	stopped bool
	running sync.WaitGroup
}

// After runs fn after d, unless the timer or all timers are stopped before.
func (t *Set) After(d time.Duration, fn func()) *time.Timer {
	return time.AfterFunc(d, func() {
		t.mu.Lock()
		if t.stopped {
			t.mu.Unlock()
			return
		}
		t.running.Add(1)
		t.mu.Unlock()
		defer t.running.Done()
		fn()
	})
}

// Stop lets no further function begin and waits for those that run.
func (t *Set) Stop() {
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	t.running.Wait()
}

// Cancel stops a timer, which may be nil. Its function may have begun.
func Cancel(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
