package web

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
)

// Health is what /healthz, /livez and /readyz report. The zero value is alive, healthy and
// not ready.
type Health struct {
	watched atomic.Pointer[watched]
}

// watched are the functions of Watch.
type watched struct{ problems, pending func() []string }

// Watch is called when the command has started. problems returns, a line each, the reasons
// for which sightings do not reach the log or the tables; pending, which may be nil, the
// parts that have not started yet. Watch may be called concurrently with requests, each of
// which calls both functions.
func (h *Health) Watch(problems, pending func() []string) {
	h.watched.Store(&watched{problems, pending})
}

// ServeHTTP answers /healthz: 200, or 503 while there are problems.
func (h *Health) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if f := h.watched.Load(); f != nil {
		answer(w, f.problems())
		return
	}
	answer(w, nil)
}

// live answers /livez: 200 while the process answers. A restart fixes neither a database
// that is away nor a full disk, so a problem is none of its.
func (h *Health) live(w http.ResponseWriter, _ *http.Request) { answer(w, nil) }

// ready answers /readyz: 503 until every part has started, and while there are problems.
func (h *Health) ready(w http.ResponseWriter, _ *http.Request) {
	f := h.watched.Load()
	if f == nil {
		answer(w, []string{"it is starting"})
		return
	}
	lines := f.problems()
	if f.pending != nil {
		lines = append(lines, f.pending()...)
	}
	answer(w, lines)
}

// answer writes 200, or 503 with lines if there are any.
func answer(w http.ResponseWriter, lines []string) {
	if len(lines) > 0 {
		http.Error(w, strings.Join(lines, "\n"), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}
