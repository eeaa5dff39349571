package web_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/web"
	"github.com/sightlog/sightlog/web/auth"
	"github.com/sightlog/sightlog/web/page"
	"github.com/sightlog/sightlog/web/route"
)

const (
	adminPassword  = "admin's long password"
	readerPassword = "reader's long password"
)

// world is a site over TCP, with an admin ada, a reader ray and their tokens.
type world struct {
	t      testing.TB
	server *web.Server
	url    string // without a slash at the end
	log    *buffer
	users  auth.File

	adminToken, readerToken string

	now *clock
}

// clock is moved by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// open starts a site with users, and routes of each kind.
func open(t testing.TB, edit func(*web.SiteConfig)) *world {
	t.Helper()
	w := &world{t: t, log: &buffer{}, users: auth.File(filepath.Join(t.TempDir(), "users")), now: &clock{now: time.Now()}}
	require.NoError(t, w.users.AddUser("ada", route.Admin, adminPassword))
	require.NoError(t, w.users.AddUser("ray", route.Reader, readerPassword))
	var err error
	w.adminToken, err = w.users.AddToken("ada", route.Admin)
	require.NoError(t, err)
	w.readerToken, err = w.users.AddToken("ray", route.Reader)
	require.NoError(t, err)
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	a, err := auth.Open(string(w.users), log, w.now.Now)
	require.NoError(t, err)
	cfg := web.SiteConfig{Addr: "127.0.0.1:0", Routes: append(page.Routes(), routes()...), Auth: a, Log: log}
	if edit != nil {
		edit(&cfg)
	}
	w.server, err = web.Serve(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.server.Close()) })
	w.url = strings.TrimSuffix(w.server.URL(), "/")
	return w
}

// withoutUsers is what open may be given.
func withoutUsers(t *testing.T) func(*web.SiteConfig) {
	t.Helper()
	a, err := auth.Open("", slog.New(slog.DiscardHandler), time.Now)
	require.NoError(t, err)
	return func(cfg *web.SiteConfig) { cfg.Auth = a }
}

// routes are of each kind.
func routes() []route.Route {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		fmt.Fprintf(w, "%s %q", auth.Of(r.Context()).Name, b)
	})
	stream := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "begun")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		fmt.Fprintln(w, "ended")
	})
	return []route.Route{
		{Pattern: "GET /api/v1/public", Role: route.Public, Handler: echo},
		{Pattern: "GET /api/v1/read", Role: route.Reader, Handler: echo},
		{Pattern: "POST /api/v1/read", Role: route.Reader, Handler: echo},
		{Pattern: "PUT /api/v1/write", Role: route.Admin, Handler: echo},
		{Pattern: "GET /api/v1/secret", Role: route.Admin, Handler: echo},
		{Pattern: "GET /api/v1/stream", Role: route.Reader, Stream: true, Handler: stream},
		{Pattern: "GET /api/v1/bug", Role: route.Reader, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") })},
	}
}

// client is one that keeps cookies, and sends what browsers send.
type client struct {
	w    *world
	http *http.Client
	csrf string
}

func (w *world) browser() *client {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(w.t, err)
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // the certificate is its own
	w.t.Cleanup(tr.CloseIdleConnections)
	return &client{w: w, http: &http.Client{Jar: jar, Transport: tr}}
}

// do sends a request; headers are pairs of a name and a value.
func (b *client) do(method, path, body string, headers ...string) *http.Response {
	b.w.t.Helper()
	req, err := http.NewRequest(method, b.w.url+path, strings.NewReader(body))
	require.NoError(b.w.t, err)
	req.Header.Set("X-CSRF-Token", b.csrf)
	req.Header.Set("Origin", b.w.url)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Del(headers[i])
		if v := headers[i+1]; headers[i] == "Host" {
			req.Host = v
		} else if v != "" {
			req.Header.Set(headers[i], v)
		}
	}
	resp, err := b.http.Do(req)
	require.NoError(b.w.t, err)
	return resp
}

// status sends a request and returns its status, and its body.
func (b *client) status(method, path, body string, headers ...string) (int, string) {
	b.w.t.Helper()
	resp := b.do(method, path, body, headers...)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.w.t, err)
	return resp.StatusCode, string(text)
}

// login logs in, and returns the status and the cookie.
func (b *client) login(user, password string) (int, *http.Cookie) {
	b.w.t.Helper()
	resp := b.do(http.MethodPost, "/api/v1/login", fmt.Sprintf(`{"user":%q,"password":%q}`, user, password), "Content-Type", "application/json")
	defer resp.Body.Close()
	var s auth.Session
	text, err := io.ReadAll(resp.Body)
	require.NoError(b.w.t, err)
	if resp.StatusCode != http.StatusOK {
		return resp.StatusCode, nil
	}
	require.NoError(b.w.t, unmarshal(text, &s))
	b.csrf = s.CSRF
	require.Len(b.w.t, resp.Cookies(), 1)
	return resp.StatusCode, resp.Cookies()[0]
}
