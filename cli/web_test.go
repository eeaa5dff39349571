package cli

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/web"
	"github.com/sightlog/sightlog/web/auth"
	"github.com/sightlog/sightlog/web/events"
	"github.com/sightlog/sightlog/web/route"
)

// roles are those of the routes that are not reading, by readers: a route that changes
// something, or needs no login, is added here by whoever has thought about it.
var roles = map[string]route.Role{
	"GET /{$}":            route.Public, // the page itself, without any figure
	"GET /static/":        route.Public,
	"POST /api/v1/login":  route.Public,
	"POST /api/v1/logout": route.Reader,

	"POST /api/v1/alarms/{id}/ack":    route.Admin,
	"POST /api/v1/alarms/{rule}/test": route.Admin,

	"PUT /api/v1/cameras/{camera}/shapes":          route.Admin,
	"POST /api/v1/cameras/{camera}/shapes/diff":    route.Admin, // shows the configuration file
	"POST /api/v1/cameras/{camera}/shapes/preview": route.Admin, // costs queries
}

// webCommand runs a command of web.
func webCommand(t *testing.T, stdin string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	env := &Env{Name: "sightlogd", Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &out}
	err := run(t.Context(), env, &Commands{}, append([]string{"web"}, args...))
	return out.String(), err
}

// wholeSite serves the routes of the whole site, with an admin's and a reader's token.
func wholeSite(t *testing.T) (url, reader string, routes []route.Route) {
	t.Helper()
	users := filepath.Join(t.TempDir(), "users")
	reader, err := auth.File(users).AddToken("display", route.Reader)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	a, err := auth.Open(users, log, time.Now)
	require.NoError(t, err)
	h := &handlers{site: &Site{Services: &pipeline.Services{}, Env: &Env{}, Log: log, auth: a}, events: events.NewHub(kafka.Config{}, log)}
	routes, err = h.routes()
	require.NoError(t, err)
	server, err := web.Serve(web.SiteConfig{Addr: "127.0.0.1:0", Routes: routes, Auth: a, Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	return server.URL(), reader, slices.Concat(a.Routes(), routes)
}

// No handler is reached: each request is refused before.
func TestSite_EveryRoute_RefusedWithoutItsRole(t *testing.T) {
	t.Parallel()
	url, reader, routes := wholeSite(t)
	seen := map[string]bool{}
	for _, r := range routes {
		require.False(t, seen[r.Pattern], r.Pattern)
		seen[r.Pattern] = true
		method, path, _ := strings.Cut(r.Pattern, " ")
		want, listed := roles[r.Pattern]
		if !listed {
			require.Equal(t, http.MethodGet, method, "%s: it changes something: add it to the table of roles", r.Pattern)
			require.Contains(t, []route.Role{route.Reader, route.Admin}, r.Role, "%s: it needs no login: add it to the table of roles", r.Pattern)
			want = r.Role
		}
		require.Equal(t, want, r.Role, r.Pattern)
		if want == route.Public {
			continue
		}
		status := func(token string) int {
			req, err := http.NewRequest(method, url+strings.TrimPrefix(regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "x"), "/"), nil)
			require.NoError(t, err)
			if token != "" {
				req.Header.Set("Authorization", "Bearer "+token)
			}
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err)
			require.NotEmpty(t, resp.Header.Get("Content-Security-Policy"), r.Pattern)
			return resp.StatusCode
		}
		require.Equal(t, http.StatusUnauthorized, status(""), r.Pattern)
		require.Equal(t, http.StatusUnauthorized, status("wrong"), r.Pattern)
		if want == route.Admin {
			require.Equal(t, http.StatusForbidden, status(reader), r.Pattern)
		}
	}
	for pattern := range roles {
		require.True(t, seen[pattern], "%s is in the table of roles alone", pattern)
	}
}

func TestWebUser_PasswordOnStandardInput_HashInTheFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users")
	out, err := webCommand(t, "a long password\nrest\n", "user", "add", "kim", "--role", "admin", "--web-users", file)
	require.NoError(t, err)
	require.Equal(t, "kim can log in, as admin\n", out)
	out, err = webCommand(t, "a long password", "user", "add", "lee", "--web-users", file)
	require.NoError(t, err)
	require.Equal(t, "lee can log in, as reader\n", out)
	token, err := webCommand(t, "", "token", "add", "display", "--web-users", file)
	require.NoError(t, err)
	out, err = webCommand(t, "", "user", "list", "--web-users", file)
	require.NoError(t, err)
	require.Equal(t, "user   admin  kim\nuser   reader lee\ntoken  reader display\n", out)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NotContains(t, string(b), "a long password")
	require.NotContains(t, string(b), strings.TrimSpace(token))

	_, err = webCommand(t, "another long password", "user", "password", "lee", "--web-users", file)
	require.NoError(t, err)
	_, err = webCommand(t, "", "token", "remove", "display", "--web-users", file)
	require.NoError(t, err)
	_, err = webCommand(t, "", "user", "remove", "kim", "--web-users", file)
	require.NoError(t, err)
	out, err = webCommand(t, "", "user", "list", "--web-users", file)
	require.NoError(t, err)
	require.Equal(t, "user   reader lee\n", out)
}

func TestWebUser_Mistakes_OneLineExit2(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "users")
	for want, args := range map[string][]string{
		"the password is too short; use at least 12": {"user", "add", "kim", "--web-users", file},
		"no file of users is named":                  {"user", "add", "kim"},
		"no such file":                               {"user", "list", "--web-users", file + ".none"},
		"give a file that can be written":            {"token", "add", "a", "--web-users", "/none/users"},
		"--role":                                     {"user", "add", "kim", "--role", "root", "--web-users", file},
		"unexpected argument":                        {"user", "add", "kim", "a long password", "--web-users", file},
	} {
		_, err := webCommand(t, "short\n", args...)
		require.ErrorContains(t, err, want)
		require.Equal(t, 2, ExitCode(err), want)
		require.NotContains(t, err.Error(), "short\n")
	}
	require.NoFileExists(t, file)
}

func TestOpenSite_KeysThatDoNotFit_OneLineExit2(t *testing.T) {
	t.Parallel()
	users := filepath.Join(t.TempDir(), "users")
	require.NoError(t, auth.File(users).AddUser("kim", route.Admin, "a long password"))
	with := func(w config.Web, of string) config.Web { w.WebUsers.WebUsers = of; return w }
	for want, w := range map[string]config.Web{
		"other machines could use the page without logging in; add --web-users": {Web: "0.0.0.0:0", WebTLS: "self-signed"},
		"--web :0: other machines":              {Web: ":0"},
		"would cross the network unencrypted":   with(config.Web{Web: "192.0.2.1:0"}, users),
		"no address with a port":                {Web: "localhost"},
		"--web-users none: no such file":        with(config.Web{Web: "127.0.0.1:0"}, "none"),
		"--web-tls none.pem without its key":    {WebTLS: "none.pem"},
		"--web-tls none.pem: stat none.pem":     {WebTLS: "none.pem", WebTLSKey: "none.key"},
		"--web-tls-key a without a certificate": {WebTLS: "self-signed", WebTLSKey: "a"},
		"--web-acme with --web-tls; leave one":  {WebTLS: "self-signed", WebACME: []string{"a.example"}},
	} {
		_, err := OpenSite(w, config.Data{}, &Env{}, slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, want)
		require.Equal(t, 2, ExitCode(err), want)
		require.NotContains(t, err.Error(), "\n")
	}
	for _, w := range []config.Web{
		{}, {Web: "off"}, {Web: "localhost:0"}, {Web: "[::1]:0"}, {Web: "0.0.0.0:0", WebInsecure: true},
		with(config.Web{Web: "0.0.0.0:0", WebTLS: "self-signed"}, users), with(config.Web{Web: "0.0.0.0:443", WebACME: []string{"a.example"}}, users),
	} {
		_, err := OpenSite(w, config.Data{}, &Env{}, slog.New(slog.DiscardHandler))
		require.NoError(t, err, "%+v", w)
	}
}
