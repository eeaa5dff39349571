package web_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/web"
)

// raw sends bytes on a connection of its own and returns all that comes back until the server
// closes it.
func (w *world) raw(request string) string {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	require.NoError(w.t, err)
	defer c.Close()
	_, _ = io.WriteString(c, request) // it may be refused before its end
	b, _ := io.ReadAll(c)             // a reset is a close
	return string(b)
}

// statusOf returns the status of a raw response.
func statusOf(response string) string {
	_, rest, _ := strings.Cut(response, " ")
	return rest[:min(3, len(rest))]
}

func TestGate_OtherSites_Refused(t *testing.T) {
	t.Parallel()
	for _, users := range []bool{true, false} {
		edit := withoutUsers(t)
		if users {
			edit = nil
		}
		w := open(t, edit)
		b := w.browser()
		if users {
			b.login("ada", adminPassword)
		} else {
			_, text := b.status("GET", "/api/v1/session", "")
			_, b.csrf, _ = strings.Cut(text, `"csrf":"`)
			b.csrf, _, _ = strings.Cut(b.csrf, `"`)
		}
		for _, c := range []struct {
			why, method, path string
			headers           []string
			want              int
		}{
			{"the page itself", "PUT", "/api/v1/write", nil, 200},
			{"cross-site", "PUT", "/api/v1/write", []string{"Sec-Fetch-Site", "cross-site"}, 403},
			{"another port of this machine", "PUT", "/api/v1/write", []string{"Sec-Fetch-Site", "same-site"}, 403},
			{"an old browser, by its Origin", "PUT", "/api/v1/write", []string{"Sec-Fetch-Site", "", "Origin", "http://evil.example"}, 403},
			{"an Origin that hides", "PUT", "/api/v1/write", []string{"Sec-Fetch-Site", "", "Origin", "null"}, 403},
			{"no CSRF token", "PUT", "/api/v1/write", []string{"X-CSRF-Token", ""}, 403},
			{"a wrong one", "PUT", "/api/v1/write", []string{"X-CSRF-Token", b.csrf + "x"}, 403},
			{"login", "POST", "/api/v1/login", []string{"Sec-Fetch-Site", "cross-site", "Content-Type", "application/json"}, 403},
			{"an image of another page", "GET", "/api/v1/read", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}, 403},
			{"a frame of another page", "GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe"}, 403},
			{"a form of another page", "POST", "/api/v1/read", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 403},
			{"a link that is followed", "GET", "/", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"}, 200},
			{"preflight", "OPTIONS", "/api/v1/write", []string{"Origin", "http://evil.example", "Access-Control-Request-Method", "PUT"}, 405},
			{"preflight without Sec-Fetch-Site", "OPTIONS", "/api/v1/write", []string{"Sec-Fetch-Site", "", "Access-Control-Request-Method", "PUT"}, 405},
			{"rebinding", "GET", "/", []string{"Host", "evil.example"}, 421},
			{"rebinding, with the port", "GET", "/api/v1/session", []string{"Host", "evil.example:8470"}, 421},
			{"a name that begins as ours", "GET", "/", []string{"Host", "localhost.evil.example"}, 421},
			{"another address", "GET", "/", []string{"Host", "192.0.2.1"}, 421},
			{"a forwarded port", "GET", "/", []string{"Host", "localhost:9999"}, 200},
			{"a rooted name", "GET", "/", []string{"Host", "localhost.:1"}, 200},
			{"IPv6", "GET", "/", []string{"Host", "[::1]:8470"}, 200},
			{"websocket", "GET", "/api/v1/read", []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version", "13"}, 400},
			{"websocket of another site", "GET", "/api/v1/read", []string{"Connection", "Upgrade", "Upgrade", "WebSocket", "Origin", "http://evil.example"}, 400},
			{"TRACE", "TRACE", "/api/v1/read", nil, 405},
		} {
			resp := b.do(c.method, c.path, "", c.headers...)
			require.NoError(t, resp.Body.Close())
			require.Equal(t, c.want, resp.StatusCode, "%s, users: %v", c.why, users)
			require.Empty(t, resp.Header.Get("Access-Control-Allow-Origin"), c.why)
		}
	}
}

func TestGate_NamesThatWereGiven_Answered(t *testing.T) {
	t.Parallel()
	w := open(t, func(cfg *web.SiteConfig) { cfg.Hosts = []string{"Cameras.example.org"} })
	b := w.browser()
	status, _ := b.status("GET", "/", "", "Host", "cameras.EXAMPLE.org")
	require.Equal(t, http.StatusOK, status)
	status, _ = b.status("GET", "/", "", "Host", "other.example.org")
	require.Equal(t, http.StatusMisdirectedRequest, status)
}

func TestGate_BehindAProxyWithTLS_CookieOfTLS(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	resp := b.do("POST", "/api/v1/login", `{"user":"ada","password":"`+adminPassword+`"}`, "Content-Type", "application/json", "X-Forwarded-Proto", "https")
	require.NoError(t, resp.Body.Close())
	require.Len(t, resp.Cookies(), 1)
	require.Equal(t, "__Host-sightlog", resp.Cookies()[0].Name)
	require.True(t, resp.Cookies()[0].Secure)
}

func TestGate_EveryResponse_HasTheHeaders(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	b.login("ray", readerPassword)
	for _, c := range [][]string{
		{"GET", "/"}, {"GET", "/static/app.js"}, {"GET", "/static/none"}, {"GET", "/none"}, {"GET", "/api/v1/read"}, {"GET", "/api/v1/secret"},
		{"DELETE", "/api/v1/read"}, {"GET", "/", "Host", "evil.example"}, {"PUT", "/api/v1/write", "Sec-Fetch-Site", "cross-site"},
		{"GET", "/api/v1/session", "Cookie", "sightlog=x"}, {"GET", "/api/v1/stream"}, {"POST", "/api/v1/login"}, {"GET", "/a/../api/v1/read"},
	} {
		resp := b.do(c[0], c[1], "", c[2:]...)
		require.NoError(t, resp.Body.Close())
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			require.Equal(t, want, resp.Header.Get(name), c)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		require.Contains(t, policy, "default-src 'none'")
		require.Contains(t, policy, "frame-ancestors 'none'")
		require.NotContains(t, policy, "unsafe")
		require.NotEmpty(t, resp.Header.Get("Permissions-Policy"))
		require.Empty(t, resp.Header.Get("Server"))
		require.Empty(t, resp.Header.Get("Strict-Transport-Security"), "without TLS")
		if resp.StatusCode >= 400 && !strings.HasPrefix(c[1], "/static") {
			require.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"), c)
		}
		if strings.HasPrefix(c[1], "/api/v1/") && resp.StatusCode == http.StatusOK {
			require.Contains(t, resp.Header.Get("Cache-Control"), "private", c)
		}
	}
}

func TestServe_Traversal_NothingOfTheMachine(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for _, path := range []string{
		"/../../../../etc/passwd", "/static/../../../../etc/passwd", "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/static/..%2f..%2f..%2fetc/passwd",
		"//etc/passwd", "/static//etc/passwd", "/static/..%5c..%5cetc%5cpasswd", "/static/app.js%00.html", "/static/....//....//etc/passwd",
		"/static/%252e%252e/page.go", "/static/../page.go", "/page.go", "/static", "/.git/config", "/static/%c0%ae%c0%ae/page.go",
		"http://evil.example/", "*", "/api/v1/..%2f..%2fetc", "/api/v1/read/../secret", "/api/v1/read;/../secret",
	} {
		got := w.raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		require.NotContains(t, got, "root:", path)
		require.NotContains(t, got, "package page", path)
		require.NotContains(t, got, "evil.example", path)
		require.Contains(t, []string{"400", "401", "404", "307", "405", "421"}, statusOf(got), "%s\n%s", path, got)
		if statusOf(got) == "307" {
			require.Regexp(t, `\nLocation: /(static/\S*|api/v1/secret)\r\n`, got, path)
		}
	}
}

func TestServe_LargeRequests_Refused(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	b.login("ada", adminPassword)
	status, _ := b.status("PUT", "/api/v1/write", strings.Repeat("x", 1<<20))
	require.Equal(t, http.StatusOK, status)
	status, _ = b.status("PUT", "/api/v1/write", strings.Repeat("x", 1<<20+1))
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	// the server closes while the rest is still being sent: the response may be lost in a reset
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"GET /" + strings.Repeat("x", 64<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		require.Contains(t, []string{"431", ""}, statusOf(w.raw(request)))
	}
	chunked := "PUT /api/v1/write HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + w.adminToken + "\r\nTransfer-Encoding: chunked\r\n\r\n" +
		strings.Repeat("10000\r\n"+strings.Repeat("x", 0x10000)+"\r\n", 17) + "0\r\n\r\n"
	require.Contains(t, []string{"413", ""}, statusOf(w.raw(chunked)))
}

func TestServe_BrokenRequests_RefusedAndClosed(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	for name, request := range map[string]string{
		"no HTTP": "\x16\x03\x01\x00\x00\r\n\r\n", "no host": "GET / HTTP/1.1\r\n\r\n", "two hosts": "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n",
		"two lengths":        "PUT /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
		"other encoding":     "PUT /api/v1/write HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\nxx",
		"space in a header":  "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
		"negative length":    "PUT /api/v1/write HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
		"line feed in value": "GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
		"HTTP/3":             "GET / HTTP/3.0\r\nHost: localhost\r\n\r\n",
	} {
		status := statusOf(w.raw(request))
		require.Contains(t, []string{"400", "501", "505"}, status, name)
	}
}

// The server closes the connection of a client that is slow; the test waits for it, however
// long it takes.
func TestServe_SlowClients_Closed(t *testing.T) {
	t.Parallel()
	w := open(t, func(cfg *web.SiteConfig) {
		cfg.Limits = web.Limits{Header: 20 * time.Millisecond, Read: 40 * time.Millisecond, Idle: 40 * time.Millisecond}
	})
	for name, part := range map[string]string{
		"header":  "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"body":    "PUT /api/v1/write HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + w.adminToken + "\r\nContent-Length: 100\r\n\r\nx",
		"nothing": "",
	} {
		got := w.raw(part) // ends only when the server closes
		require.NotEqual(t, "200", statusOf(got), name)
	}
	got := w.raw("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") // and then idle
	require.Equal(t, "200", statusOf(got))
}

func TestServe_TooManyConnections_ClosedAndOthersServed(t *testing.T) {
	t.Parallel()
	w := open(t, func(cfg *web.SiteConfig) { cfg.Limits.Conns = 3 })
	var held []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		require.NoError(t, err)
		defer c.Close()
		_, err = io.WriteString(c, "GET /static/app.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
		require.NoError(t, err)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, resp.StatusCode)
		held = append(held, c)
	}
	const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	require.Empty(t, w.raw(request))
	require.NoError(t, held[0].Close())
	require.Eventually(t, func() bool { return statusOf(w.raw(request)) == "200" }, time.Minute, time.Millisecond)
}

func FuzzServe(f *testing.F) {
	f.Add("GET", "/static/../x", "localhost", "Cookie", "sightlog=x")
	f.Add("PUT", "/api/v1/write?a=%zz", "[::1", "Authorization", "Bearer ")
	f.Add("POST", "/api/v1/login", "127.0.0.1:x", "Upgrade", "h2c")
	w := open(f, func(cfg *web.SiteConfig) {
		cfg.Limits = web.Limits{Header: 100 * time.Millisecond, Read: 100 * time.Millisecond, Idle: 100 * time.Millisecond}
	})
	f.Fuzz(func(t *testing.T, method, path, host, name, value string) {
		w.t = t
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n%s: %s\r\nConnection: close\r\n\r\n", method, path, host, name, value)
		got := w.raw(b.String())
		require.NotEqual(t, "500", statusOf(got))
		require.NotContains(t, w.log.String(), "panic")
		require.NotContains(t, got, "argon2")
		if strings.Contains(path, "write") || strings.Contains(path, "secret") {
			require.NotEqual(t, "200", statusOf(got))
		}
	})
}
