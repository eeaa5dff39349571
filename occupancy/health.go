package occupancy

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// health is whether the log can be used. It logs a line when that changes.
type health struct {
	log     *slog.Logger
	waiting prometheus.Gauge

	mu    sync.Mutex // guards the following
	cause error      // of the last failure; nil: the log can be used
	last  time.Time  // when that was
}

// recovered is the time without a failure after which the log is available again: a
// partition that fails does not alternate with others that do not.
const recovered = 3 * time.Second

func (h *health) failed(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause == nil {
		h.log.Warn("the log is unavailable, retrying", "err", err)
		h.waiting.Set(1)
	}
	h.cause, h.last = err, time.Now()
}

// ok is called after each answer of the log.
func (h *health) ok() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause == nil || time.Since(h.last) < recovered {
		return
	}
	h.log.Info("the log is available again")
	h.waiting.Set(0)
	h.cause = nil
}

func (h *health) problems() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.cause == nil {
		return nil
	}
	return []string{fmt.Sprintf("occupancy waits for the log: %v", h.cause)}
}
