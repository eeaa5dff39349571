package broker

import (
	"sync"
	"time"
)

// timers runs functions after a delay, until it is stopped. Each runs in a
// goroutine of its own, and checks under the lock of its group or transaction that
// it still applies: it may have been cancelled when it had begun.
type timers struct {
	mu      sync.Mutex // guards stopped, and running against stop's Wait
	stopped bool
	running sync.WaitGroup
}

// after runs fn after d, unless the timer or all timers are stopped before.
func (t *timers) after(d time.Duration, fn func()) *time.Timer {
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

// stop lets no further function begin and waits for those that run.
func (t *timers) stop() {
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
	t.running.Wait()
}

// cancelTimer stops a timer, which may be nil. Its function may have begun.
func cancelTimer(t *time.Timer) {
	if t != nil {
		t.Stop()
	}
}
