package auth

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/sightlog/sightlog/web/route"
)

// Auth knows who makes a request.
type Auth struct {
	path     string // of the file of users; "": there are none, and everybody is admin
	log      *slog.Logger
	sessions sessions
	byAddr   limits
	byUser   limits
	hashing  chan struct{} // has an element for each hash that is being computed
	csrf     string        // where there are no users

	mu       sync.Mutex // guards the following
	entries  entries
	modified time.Time
	size     int64
	problem  string // why the file cannot be read, as it was logged
}

// Open reads a file of users. Without one ("") everybody who reaches the site is its admin.
// The clock is time.Now, except in tests.
func Open(path string, log *slog.Logger, now func() time.Time) (*Auth, error) {
	a := &Auth{
		path: path, log: log, csrf: newSecret(), hashing: make(chan struct{}, hashesAtOnce),
		sessions: sessions{now: now, all: map[string]session{}},
		byAddr:   newLimits(), byUser: newLimits(),
	}
	if path == "" {
		return a, nil
	}
	b, st, err := read(path)
	if err != nil {
		return nil, err
	}
	if a.entries, err = parse(b); err != nil {
		return nil, File(path).broken(err)
	}
	a.modified, a.size = st.ModTime(), st.Size()
	return a, nil
}

// HasUsers reports whether a login is needed.
func (a *Auth) HasUsers() bool { return a.path != "" }

// Client is who makes a request.
type Client struct {
	Name string // of the user or token; "" where there are no users
	Role route.Role

	csrf   string // "": the client is a program with a token, which no other site can use
	cookie string // of the session; "": there is none
}

// NeedsCSRF reports whether a request that changes something must have the CSRF token: all
// of browsers must, and those where there are no users, as nothing tells them apart.
func (c Client) NeedsCSRF() bool { return c.csrf != "" }

// HasCSRF reports whether a request has the token.
func (c Client) HasCSRF(r *http.Request) bool {
	return subtle.ConstantTimeCompare([]byte(r.Header.Get("X-CSRF-Token")), []byte(c.csrf)) == 1
}

// ErrUnknown means that a request has no session or token that is valid.
var ErrUnknown = errors.New("log in first")

// Identify returns who makes a request. It is cheap and may be asked again while a response
// lasts: ErrUnknown then means that the client has logged out, or its user was removed.
func (a *Auth) Identify(r *http.Request) (Client, error) {
	if a.path == "" {
		return Client{Role: route.Admin, csrf: a.csrf}, nil
	}
	now := a.current()
	if header := r.Header.Get("Authorization"); header != "" { // a bad token is no reason to look for a cookie
		scheme, token, _ := strings.Cut(header, " ")
		e, found := now.tokens[digest(token)]
		if !strings.EqualFold(scheme, "Bearer") || !found {
			return Client{}, ErrUnknown
		}
		return Client{Name: e.Name, Role: e.Role}, nil
	}
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return Client{}, ErrUnknown
	}
	s, found := a.sessions.get(cookie.Value)
	if !found {
		return Client{}, ErrUnknown
	}
	e, found := now.users[s.user]
	if !found || e.secret != s.secret {
		a.sessions.end(cookie.Value)
		return Client{}, ErrUnknown
	}
	return Client{Name: e.Name, Role: e.Role, csrf: s.csrf, cookie: cookie.Value}, nil
}

// current returns the users and tokens of the file, which is read again if it has changed. A
// file that cannot be read leaves them as they were, and is logged.
func (a *Auth) current() entries {
	st, err := os.Stat(a.path)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil && st.ModTime().Equal(a.modified) && st.Size() == a.size {
		return a.entries
	}
	b, st, err := read(a.path)
	var fresh entries
	if err == nil {
		if fresh, err = parse(b); err != nil {
			err = File(a.path).broken(err)
		}
	}
	if err != nil {
		if a.problem != err.Error() {
			a.problem = err.Error()
			a.log.Error("users of the page stay as they were", "err", err)
		}
		return a.entries
	}
	a.entries, a.modified, a.size, a.problem = fresh, st.ModTime(), st.Size(), ""
	return a.entries
}

type clientKey struct{}

// With returns a request's context with its client.
func With(ctx context.Context, c Client) context.Context {
	return context.WithValue(ctx, clientKey{}, c)
}

// Of returns who makes a request. It is the zero Client in a handler of a Public route.
func Of(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}
