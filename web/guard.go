package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sightlog/sightlog/web/auth"
	"github.com/sightlog/sightlog/web/problem"
	"github.com/sightlog/sightlog/web/route"
)

// guard is the one place where roles and the limits of a route are enforced.
type guard struct {
	auth   *auth.Auth
	limits Limits
	log    *slog.Logger

	mu      sync.Mutex     // guards streams
	streams map[string]int // open streams by client
}

// handler returns the handler of routes. A route without a role is a mistake, and refused.
func (g *guard) handler(routes []route.Route) (http.Handler, error) {
	mux := http.NewServeMux()
	for _, r := range routes {
		if r.Role < route.Public || r.Role > route.Admin {
			return nil, fmt.Errorf("route %s has no role", r.Pattern)
		}
		mux.Handle(r.Pattern, g.guarded(r))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r) // sets the values of the path
			return
		}
		refused := &statusOnly{header: http.Header{}}
		h.ServeHTTP(refused, r)
		if allow := refused.header.Get("Allow"); allow != "" {
			w.Header().Set("Allow", allow)
		}
		if refused.status < http.StatusBadRequest { // to a cleaner path of which there is no route either
			refused.status = http.StatusNotFound
		}
		problem.Write(w, refused.status, "", "")
	}), nil
}

// statusOnly is the response of a handler of which only the status is used.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

// guarded is a route's handler for the clients that may use it.
func (g *guard) guarded(to route.Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer g.recovered(to)
		if to.Role != route.Public {
			client, err := g.auth.Identify(r)
			if err != nil {
				w.Header().Set("WWW-Authenticate", "Bearer")
				problem.Write(w, http.StatusUnauthorized, err.Error(), "")
				return
			}
			if client.Role < to.Role {
				problem.Write(w, http.StatusForbidden, fmt.Sprintf("this needs the role %s", to.Role), "")
				return
			}
			if client.NeedsCSRF() && changes(r) && !client.HasCSRF(r) {
				problem.Write(w, http.StatusForbidden, "the header X-CSRF-Token is missing or wrong",
					"send the value that GET /api/v1/session returns")
				return
			}
			w.Header().Set("Cache-Control", "private, no-cache")
			r = r.WithContext(auth.With(r.Context(), client))
		}
		r.Body = http.MaxBytesReader(w, r.Body, g.limits.Body)
		if to.Stream {
			g.stream(w, r, to)
			return
		}
		to.Handler.ServeHTTP(w, r)
	})
}

func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// stream serves a response that lasts. It ends when its client has logged out, or may no
// longer use it.
func (g *guard) stream(w http.ResponseWriter, r *http.Request, to route.Route) {
	if r.Method == http.MethodHead { // it would last, and nothing would be seen of it
		w.Header().Set("Allow", http.MethodGet)
		problem.Write(w, http.StatusMethodNotAllowed, "", "")
		return
	}
	who := auth.Of(r.Context()).Name + "@" + host(r.RemoteAddr)
	if !g.enter(who) {
		w.Header().Set("Retry-After", "10")
		problem.Write(w, http.StatusTooManyRequests, fmt.Sprintf("more than %d streams at once", g.limits.StreamsOfClient), "close another one")
		return
	}
	defer g.leave(who)
	c := http.NewResponseController(w)
	if err := errors.Join(c.SetWriteDeadline(time.Time{}), c.SetReadDeadline(time.Time{})); err != nil {
		g.log.Error("a stream cannot last", "route", to.Pattern, "err", err)
		problem.Write(w, http.StatusInternalServerError, "", "")
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		g.watch(ctx, cancel, r, to.Role)
	}()
	defer func() { cancel(); <-watched }()
	to.Handler.ServeHTTP(&patient{ResponseWriter: w, c: c, timeout: g.limits.Write}, r.WithContext(ctx))
}

// watch ends a stream's context when its client may no longer use it.
func (g *guard) watch(ctx context.Context, cancel context.CancelFunc, r *http.Request, role route.Role) {
	t := time.NewTicker(g.limits.Recheck)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if client, err := g.auth.Identify(r); role != route.Public && (err != nil || client.Role < role) {
				cancel()
			}
		}
	}
}

// patient is the response of a stream: it may last, but each write must be taken in time.
type patient struct {
	http.ResponseWriter
	c       *http.ResponseController
	timeout time.Duration
}

// Write implements io.Writer.
func (p *patient) Write(b []byte) (n int, err error) {
	err = p.inTime(func() (err error) {
		n, err = p.ResponseWriter.Write(b)
		return err
	})
	return n, err
}

// FlushError is for http.ResponseController.
func (p *patient) FlushError() error { return p.inTime(p.c.Flush) }

// Flush implements http.Flusher.
func (p *patient) Flush() { _ = p.FlushError() } // the next Write has the error too

// inTime runs a write with a deadline, and removes it: with HTTP/2 a deadline that passes
// between two writes ends the stream.
func (p *patient) inTime(write func() error) error {
	if err := p.c.SetWriteDeadline(time.Now().Add(p.timeout)); err != nil {
		return err
	}
	return errors.Join(write(), p.c.SetWriteDeadline(time.Time{}))
}

// Unwrap is for http.ResponseController.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

func (g *guard) enter(who string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.streams[who] >= g.limits.StreamsOfClient {
		return false
	}
	g.streams[who]++
	return true
}

func (g *guard) leave(who string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.streams[who]--; g.streams[who] == 0 {
		delete(g.streams, who)
	}
}

// recovered makes a bug of a handler a line in the log, and the end of this one response.
func (g *guard) recovered(to route.Route) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
		panic(p)
	}
	g.log.Error("a request failed", "route", to.Pattern, "panic", p, "stack", string(debug.Stack()))
	panic(http.ErrAbortHandler) // the response may have begun
}

func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
