package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/web"
	"github.com/sightlog/sightlog/web/route"
)

func TestRoles_EachClientAndRoute_Status(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	nobody, reader, admin := w.browser(), w.browser(), w.browser()
	reader.login("ray", readerPassword)
	admin.login("ada", adminPassword)
	for _, c := range []struct {
		method, path          string
		nobody, reader, admin int
	}{
		{"GET", "/", 200, 200, 200},
		{"GET", "/static/app.js", 200, 200, 200},
		{"GET", "/api/v1/public", 200, 200, 200},
		{"GET", "/api/v1/read", 401, 200, 200},
		{"HEAD", "/api/v1/read", 401, 200, 200},
		{"POST", "/api/v1/read", 401, 200, 200},
		{"GET", "/api/v1/secret", 401, 403, 200},
		{"PUT", "/api/v1/write", 401, 403, 200},
		{"GET", "/api/v1/none", 404, 404, 404},
		{"DELETE", "/api/v1/read", 405, 405, 405},
		{"HEAD", "/api/v1/stream", 401, 405, 405},
	} {
		for who, b := range map[*client]int{nobody: c.nobody, reader: c.reader, admin: c.admin} {
			status, _ := who.status(c.method, c.path, "")
			require.Equal(t, b, status, "%s %s", c.method, c.path)
		}
		for token, want := range map[string]int{
			"Bearer " + w.readerToken: c.reader, "bearer " + w.adminToken: c.admin, "Bearer bad": c.nobody, "Basic YWRhOng=": c.nobody,
			"Bearer ": c.nobody, w.adminToken: c.nobody, "Basic " + w.adminToken: c.nobody,
		} {
			status, _ := nobody.status(c.method, c.path, "", "Authorization", token, "Origin", "", "Sec-Fetch-Site", "", "X-CSRF-Token", "")
			require.Equal(t, want, status, "%s %s with %.10s", c.method, c.path, token)
		}
	}
	require.NoError(t, w.users.RemoveToken("ada"))
	status, _ := nobody.status("GET", "/api/v1/secret", "", "Authorization", "Bearer "+w.adminToken)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = admin.status("GET", "/api/v1/read", "", "Authorization", "Bearer bad")
	require.Equal(t, http.StatusUnauthorized, status, "a bad token is not saved by a cookie")
}

func TestServe_RouteWithoutRole_Refused(t *testing.T) {
	t.Parallel()
	for _, role := range []route.Role{route.Unset, route.Admin + 1, -1} {
		cfg := web.SiteConfig{Addr: "127.0.0.1:0", Routes: []route.Route{{Pattern: "GET /x", Role: role, Handler: http.NotFoundHandler()}}}
		withoutUsers(t)(&cfg)
		_, err := web.Serve(cfg)
		require.ErrorContains(t, err, "route GET /x has no role")
	}
}

func TestGuard_NoUsers_EverybodyAdminWithTheToken(t *testing.T) {
	t.Parallel()
	w := open(t, withoutUsers(t))
	b := w.browser()
	status, text := b.status("GET", "/api/v1/session", "")
	require.Equal(t, http.StatusOK, status)
	var s struct{ User, Role, CSRF string }
	require.NoError(t, unmarshal([]byte(text), &s))
	require.Empty(t, s.User)
	require.Equal(t, "admin", s.Role)
	status, _ = b.status("PUT", "/api/v1/write", "")
	require.Equal(t, http.StatusForbidden, status, "another site's page could send this")
	status, _ = b.status("PUT", "/api/v1/write", "", "X-CSRF-Token", s.CSRF)
	require.Equal(t, http.StatusOK, status)
	status, _ = b.status("POST", "/api/v1/login", `{"user":"ada","password":"x"}`, "Content-Type", "application/json")
	require.Equal(t, http.StatusNotFound, status)
}

func TestGuard_Bug_OneResponseAndALine(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	b.login("ray", readerPassword)
	req, err := http.NewRequest(http.MethodGet, w.url+"/api/v1/bug", nil)
	require.NoError(t, err)
	resp, err := b.http.Do(req)
	if err == nil {
		require.NoError(t, resp.Body.Close())
	}
	require.Error(t, err, "the connection is closed")
	require.Contains(t, w.log.String(), `panic="a bug"`)
	status, _ := b.status("GET", "/api/v1/read", "")
	require.Equal(t, http.StatusOK, status)
}
