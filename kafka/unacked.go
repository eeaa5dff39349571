package kafka

import (
	"fmt"
	"sync"
	"time"
)

// unacknowledged is the time without an acknowledgement after which a writer reports it.
// A restart of the broker takes less.
const unacknowledged = 2 * time.Second

// pending counts the records of a writer that are sent and not acknowledged. The zero
// value is empty.
type pending struct {
	mu    sync.Mutex // guards the following
	n     int
	since time.Time // the last acknowledgement, or the first record sent after it
	cause error     // of the last failure since
}

func (p *pending) sent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.n++; p.n == 1 {
		p.since = time.Now()
	}
}

// acknowledged is called for each record that sent was called for, also if it failed.
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

// waiting returns the line of Writer.Waiting.
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
