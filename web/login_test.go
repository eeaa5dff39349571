package web_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/web"
)

func unmarshal(b []byte, v any) error { return json.Unmarshal(b, v) }

func TestLogin_RightPassword_SessionUntilLogout(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	status, text := b.status("GET", "/api/v1/session", "")
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, text, `"detail":"log in first"`)
	status, cookie := b.login("ada", adminPassword)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "sightlog", cookie.Name)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	require.Equal(t, "/", cookie.Path)
	require.GreaterOrEqual(t, len(cookie.Value), 43, "256 bits")
	status, text = b.status("GET", "/api/v1/session", "")
	require.Equal(t, http.StatusOK, status)
	require.JSONEq(t, `{"user":"ada","role":"admin","csrf":"`+b.csrf+`"}`, text)
	status, text = b.status("PUT", "/api/v1/write", "x")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `ada "x"`, text)

	status, _ = b.status("POST", "/api/v1/logout", "")
	require.Equal(t, http.StatusNoContent, status)
	status, _ = b.status("GET", "/api/v1/session", "", "Cookie", cookie.String())
	require.Equal(t, http.StatusUnauthorized, status, "a copy of the cookie is worth nothing")
}

func TestLogin_Wrong_SameAnswerForUnknownUser(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	login := func(body string) (int, string) {
		return b.status("POST", "/api/v1/login", body, "Content-Type", "application/json")
	}
	status, wrong := login(`{"user":"ada","password":"no"}`)
	require.Equal(t, http.StatusUnauthorized, status)
	status, unknown := login(`{"user":"nobody","password":"no"}`)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Equal(t, wrong, unknown)
	for _, body := range []string{"", "{", "[]", `{"user":1}`, `"ada"`, `{"password":"` + strings.Repeat("x", 2000) + `"}`, strings.Repeat(" ", 9000) + "{}"} {
		status, _ = login(body)
		require.Equal(t, http.StatusBadRequest, status, "%.20s", body)
	}
	status, _ = b.status("POST", "/api/v1/login", "user=ada&password=x", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusUnsupportedMediaType, status, "a form of another site has no other type")
}

func TestLogin_Flood_RefusedUntilTimePasses(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	tried := 0
	for tried = range 100 {
		if status, _ := b.login("ada", "no"); status == http.StatusTooManyRequests {
			break
		}
	}
	require.Equal(t, 10, tried)
	resp := b.do("POST", "/api/v1/login", `{"user":"ray","password":"no"}`, "Content-Type", "application/json")
	defer resp.Body.Close()
	require.Equal(t, http.StatusTooManyRequests, resp.StatusCode, "the address is held up, whoever the user")
	wait, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	require.NoError(t, err)
	require.Positive(t, wait)
	status, _ := b.login("ada", adminPassword)
	require.Equal(t, http.StatusTooManyRequests, status)
	w.now.add(time.Duration(wait) * time.Second)
	status, _ = b.login("ada", adminPassword)
	require.Equal(t, http.StatusOK, status)
}

func TestLogin_CookieOfAnAttacker_NotTaken(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	attacker := w.browser()
	_, known := attacker.login("ray", readerPassword)
	for _, fixed := range []string{"chosen-by-somebody-else", known.Value} {
		victim := w.browser()
		resp := victim.do("POST", "/api/v1/login", `{"user":"ada","password":"`+adminPassword+`"}`, "Content-Type", "application/json", "Cookie", "sightlog="+fixed)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, http.StatusOK, resp.StatusCode)
		require.NotEqual(t, fixed, resp.Cookies()[0].Value)
		status, _ := w.browser().status("GET", "/api/v1/session", "", "Cookie", "sightlog="+fixed)
		require.Equal(t, http.StatusUnauthorized, status, "the session of before has ended")
	}
}

func TestSession_UserChanges_EndIt(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world) error{
		"removed":  func(w *world) error { return w.users.RemoveUser("ray") },
		"password": func(w *world) error { return w.users.SetPassword("ray", "another password") },
		"new user of the name": func(w *world) error {
			if err := w.users.RemoveUser("ray"); err != nil {
				return err
			}
			return w.users.AddUser("ray", 2, readerPassword)
		},
	} {
		w := open(t, nil)
		b, other := w.browser(), w.browser()
		b.login("ray", readerPassword)
		other.login("ada", adminPassword)
		require.NoError(t, change(w), name)
		status, _ := b.status("GET", "/api/v1/read", "")
		require.Equal(t, http.StatusUnauthorized, status, name)
		status, _ = other.status("GET", "/api/v1/read", "")
		require.Equal(t, http.StatusOK, status, name)
	}
}

func TestSession_BrokenFile_UsersStayAndOneLine(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	b.login("ray", readerPassword)
	require.NoError(t, os.WriteFile(string(w.users), []byte("user ray\n"), 0o600))
	for range 3 {
		status, _ := b.status("GET", "/api/v1/read", "")
		require.Equal(t, http.StatusOK, status)
	}
	require.Equal(t, 1, strings.Count(w.log.String(), "users of the page stay as they were"))
}

func TestSession_Idle_Ends(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	b.login("ray", readerPassword)
	w.now.add(9 * time.Hour)
	status, _ := b.status("GET", "/api/v1/read", "")
	require.Equal(t, http.StatusUnauthorized, status)
}

func TestStream_UserRemoved_Ends(t *testing.T) {
	t.Parallel()
	w := open(t, func(cfg *web.SiteConfig) { cfg.Limits.Recheck = 10 * time.Millisecond })
	for name, end := range map[string]func(b *client){
		"logout": func(b *client) { b.status("POST", "/api/v1/logout", "") },
		"remove": func(*client) { require.NoError(t, w.users.RemoveUser("ray")) },
	} {
		b := w.browser()
		if name == "logout" {
			b.login("ada", adminPassword)
		} else {
			b.login("ray", readerPassword)
		}
		resp := b.do("GET", "/api/v1/stream", "")
		defer resp.Body.Close()
		lines := bufio.NewReader(resp.Body)
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "begun\n", line)
		end(b)
		rest, err := io.ReadAll(lines) // ends only when the stream does
		require.NoError(t, err)
		require.Equal(t, "ended\n", string(rest), name)
	}
}

func TestStream_ServerStops_EndsAsItShould(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	resp := b.do("GET", "/api/v1/stream", "", "Authorization", "Bearer "+w.readerToken)
	defer resp.Body.Close()
	require.NoError(t, w.server.Close())
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "begun\nended\n", string(rest))
}

func TestStream_MoreThanAClientMayHave_Refused(t *testing.T) {
	t.Parallel()
	w := open(t, func(cfg *web.SiteConfig) { cfg.Limits.StreamsOfClient = 2 })
	b := w.browser()
	b.login("ray", readerPassword)
	var open []*http.Response
	for range 2 {
		resp := b.do("GET", "/api/v1/stream", "")
		require.Equal(t, http.StatusOK, resp.StatusCode)
		open = append(open, resp)
	}
	status, text := b.status("GET", "/api/v1/stream", "")
	require.Equal(t, http.StatusTooManyRequests, status)
	require.Contains(t, text, "more than 2 streams")
	for _, resp := range open {
		require.NoError(t, resp.Body.Close())
	}
	require.Eventually(t, func() bool {
		resp := b.do("GET", "/api/v1/stream", "")
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, time.Minute, time.Millisecond)
}

func TestLogs_WholeSession_NoSecret(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	b := w.browser()
	_, cookie := b.login("ada", adminPassword)
	b.login("ada", "a-wrong-password")
	b.login("password-in-the-field-of-the-user", "x")
	secrets := []string{cookie.Value, b.csrf, adminPassword, "a-wrong-password", "password-in-the-field", w.adminToken, "bad-token-of-somebody", "argon2id"}
	var pages strings.Builder
	for _, headers := range [][]string{nil, {"Authorization", "Bearer " + w.adminToken}, {"Authorization", "Bearer bad-token-of-somebody"}, {"X-CSRF-Token", "bad-token-of-somebody"}} {
		for _, r := range routes() {
			method, path, _ := strings.Cut(r.Pattern, " ")
			if path == "/api/v1/stream" || path == "/api/v1/bug" {
				continue
			}
			_, text := b.status(method, path, "", headers...)
			pages.WriteString(text)
		}
	}
	require.Contains(t, w.log.String(), "login to the page refused")
	for _, secret := range secrets {
		require.NotContains(t, w.log.String(), secret)
		require.NotContains(t, pages.String(), secret)
	}
}
