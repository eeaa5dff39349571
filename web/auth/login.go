package auth

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/sightlog/sightlog/web/problem"
	"github.com/sightlog/sightlog/web/route"
)

// Session is what the page knows of its user.
type Session struct {
	User string `json:"user"` // empty where there are no users
	Role string `json:"role"` // reader or admin
	CSRF string `json:"csrf"` // the value of X-CSRF-Token in requests that change something
}

// Credentials are those of a login.
type Credentials struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// Routes returns the routes of logging in and out.
func (a *Auth) Routes() []route.Route {
	return []route.Route{
		{Pattern: "GET /api/v1/session", Role: route.Reader, Handler: http.HandlerFunc(a.session), Doc: &route.Doc{
			Summary: "The user who is logged in, and the token that changes need.",
			Answers: []route.Answer{{Status: http.StatusOK, Type: Session{}}},
		}},
		{Pattern: "POST /api/v1/login", Role: route.Public, Handler: http.HandlerFunc(a.login), Doc: &route.Doc{
			Summary: "Log in: the response sets the cookie of a session.",
			Help:    "Programs need no login: they send a token as Authorization: Bearer TOKEN.",
			Body:    Credentials{},
			Answers: []route.Answer{
				{Status: http.StatusOK, Type: Session{}},
				{Status: http.StatusNotFound, Help: "The page has no users."},
				{Status: http.StatusUnsupportedMediaType, Help: "The body is not JSON."},
			},
		}},
		{Pattern: "POST /api/v1/logout", Role: route.Reader, Handler: http.HandlerFunc(a.logout), Doc: &route.Doc{
			Summary: "Log out: the session ends.",
			Answers: []route.Answer{{Status: http.StatusNoContent}},
		}},
	}
}

// session answers with who makes the request.
func (a *Auth) session(w http.ResponseWriter, r *http.Request) {
	answer(w, Of(r.Context()))
}

func answer(w http.ResponseWriter, c Client) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	// an error here is a client that has gone
	_ = json.NewEncoder(w).Encode(Session{User: c.Name, Role: c.Role.String(), CSRF: c.csrf})
}

// login checks a password. What it answers, and how long it takes, is the same for a user who
// does not exist and for a wrong password.
func (a *Auth) login(w http.ResponseWriter, r *http.Request) {
	if !a.HasUsers() {
		problem.Write(w, http.StatusNotFound, "this page has no users", "")
		return
	}
	if typ, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || typ != "application/json" {
		problem.Write(w, http.StatusUnsupportedMediaType, "a login is JSON", "send Content-Type: application/json")
		return
	}
	var given Credentials
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 8<<10)).Decode(&given); err != nil || len(given.Password) > 1024 {
		problem.Write(w, http.StatusBadRequest, "no login that can be read", `send {"user": NAME, "password": PASSWORD}`)
		return
	}
	now := a.sessions.now()
	if wait, ok := a.mayTry(r, given.User, now); !ok {
		w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
		problem.Write(w, http.StatusTooManyRequests, "too many logins", "wait a minute")
		return
	}
	e, ok := a.check(r.Context(), given)
	if !ok {
		// the name is not logged: it may be a password in the wrong field
		a.log.Warn("login to the page refused", "address", r.RemoteAddr)
		problem.Write(w, http.StatusUnauthorized, "user or password is wrong", "")
		return
	}
	if old, err := r.Cookie(cookieName(r)); err == nil {
		a.sessions.end(old.Value)
	}
	cookie, s := a.sessions.begin(e.Name, e.secret)
	a.log.Info("login to the page", "user", e.Name, "address", r.RemoteAddr)
	setCookie(w, r, cookie, int(lastFor/time.Second))
	answer(w, Client{Name: e.Name, Role: e.Role, csrf: s.csrf})
}

// mayTry reports whether the address and the user may try another password.
func (a *Auth) mayTry(r *http.Request, user string, now time.Time) (wait time.Duration, ok bool) {
	if wait, ok = a.byAddr.take(limitKey(r.RemoteAddr), now); ok {
		wait, ok = a.byUser.take(digest(user), now)
	}
	return wait, ok
}

// check returns the user of a name and password.
func (a *Auth) check(ctx context.Context, given Credentials) (Entry, bool) {
	select {
	case a.hashing <- struct{}{}:
		defer func() { <-a.hashing }()
	case <-ctx.Done():
		return Entry{}, false
	}
	now := a.current()
	e, found := now.users[given.User]
	if !found {
		now.dummy.matches(given.Password)
		return Entry{}, false
	}
	return e, e.hash.matches(given.Password)
}

func (a *Auth) logout(w http.ResponseWriter, r *http.Request) {
	if c := Of(r.Context()); c.cookie != "" {
		a.sessions.end(c.cookie)
		setCookie(w, r, "", -1)
	}
	w.WriteHeader(http.StatusNoContent)
}
