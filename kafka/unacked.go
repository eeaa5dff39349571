package kafka

import (
	"fmt"
	"sync"
	"time"
)

// unacknowledged is the time without an acknowledgement after which a writer reports it.
// A restart of the broker takes less.
const unacknowledged = 2 * time.Second

// unackedCount counts the records of a writer that are sent and not acknowledged. The zero
// value is empty.
type unackedCount struct {
	mu    sync.Mutex // guards the following
	n     int
	since time.Time // the last acknowledgement, or the first record sent after it
	cause error     // of the last failure since
}

func (u *unackedCount) sent() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.n++; u.n == 1 {
		u.since = time.Now()
	}
}

// acknowledged is called for each record that sent was called for, also if it failed.
func (u *unackedCount) acknowledged() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.n, u.since, u.cause = u.n-1, time.Now(), nil
}

func (u *unackedCount) failed(cause error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.cause = cause
}

// waiting returns the line of Writer.Waiting.
func (u *unackedCount) waiting() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	long := time.Since(u.since)
	if u.n == 0 || long < unacknowledged {
		return ""
	}
	line := fmt.Sprintf("the log has acknowledged nothing for %s", long.Truncate(time.Second))
	if u.cause != nil {
		line += ": " + u.cause.Error()
	}
	return line
}
