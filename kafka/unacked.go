package kafka

import (
	"fmt"
	"sync"
	"time"
)

// unacknowledged is how long the log may take for an acknowledgement before a
// writer reports it: a broker is started again in less.
const unacknowledged = 2 * time.Second

// pending is what a writer has sent and the log has not acknowledged. The zero
// value is empty.
type pending struct {
	mu    sync.Mutex // guards the following
	n     int
	since time.Time // of the last acknowledgement, or of what was sent after it
	cause error     // of the last failure since
}

func (p *pending) sent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n++; p.n == 1 {
		p.since = time.Now()
	}
}

// acknowledged ends one sent, however it ended.
func (p *pending) acknowledged() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n, p.since, p.cause = p.n-1, time.Now(), nil
}

func (p *pending) failed(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cause = cause
}

// waiting is one line about a log that does not acknowledge, or "".
func (p *pending) waiting() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	long := time.Since(p.since)
	if p.n == 0 || long < unacknowledged {
		return ""
	}
	line := fmt.Sprintf("the log has acknowledged nothing for %s", long.Truncate(time.Second))
	if p.cause != nil {
		line += ": " + p.cause.Error()
	}
	return line
}
