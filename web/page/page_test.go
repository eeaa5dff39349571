package page_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
	"github.com/sightlog/sightlog/live"
	"github.com/sightlog/sightlog/web/page"
)

// policy is as strict as that of the server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// serve serves the page, and the API's answers by path: a text, or a handler.
func serve(t *testing.T, answers map[string]any) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", page.Handler())
	pictures := live.NewClient(slog.New(slog.DiscardHandler))
	pictures.States([]live.Camera{{ID: "yard", State: "running", People: 3}})
	for _, r := range pictures.Routes() {
		mux.Handle(r.Pattern, r.Handler)
	}
	for path, answer := range answers {
		if h, is := answer.(http.HandlerFunc); is {
			mux.Handle("/api/v1/"+path, h)
			continue
		}
		mux.HandleFunc("/api/v1/"+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer)
		})
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func problem(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": status, "title": http.StatusText(status), "detail": detail})
}

func admin() any { return map[string]string{"role": "admin", "csrf": "c"} }

func TestHandler_Files_SmallAndOfThisServerAlone(t *testing.T) {
	t.Parallel()
	total := 0
	require.NoError(t, filepath.WalkDir("static", func(path string, e os.DirEntry, err error) error {
		require.NoError(t, err)
		if e.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		total += len(b)
		require.NotRegexp(t, `(?i)https?://(?:[^w]|w[^w])|@import|innerHTML|insertAdjacentHTML|document\.write|\beval\(| style="| on[a-z]+="`, string(b), path)
		return nil
	}))
	t.Logf("%d bytes", total)
	require.LessOrEqual(t, total, 200<<10, "the page is too heavy")
	require.Greater(t, total, 10<<10)
}

func TestHandler_EachView_HasModuleAndStyle(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("static/views.js")
	require.NoError(t, err)
	names := regexp.MustCompile(`name: '(\w+)'`).FindAllStringSubmatch(string(b), -1)
	require.NotEmpty(t, names)
	for _, n := range names {
		require.FileExists(t, "static/"+n[1]+".js")
		require.FileExists(t, "static/"+n[1]+".css")
	}
}

func TestHandler_Requests_TypeAndETag(t *testing.T) {
	t.Parallel()
	h := page.Handler()
	get := func(path, etag string) *http.Response {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		if etag != "" {
			r.Header.Set("If-None-Match", etag)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	for path, typ := range map[string]string{
		"/": "text/html; charset=utf-8", "/static/app.js": "text/javascript; charset=utf-8",
		"/static/style.css": "text/css; charset=utf-8", "/static/icon.svg": "image/svg+xml",
	} {
		resp := get(path, "")
		require.Equal(t, http.StatusOK, resp.StatusCode, path)
		require.Equal(t, typ, resp.Header.Get("Content-Type"))
		require.Equal(t, http.StatusNotModified, get(path, resp.Header.Get("ETag")).StatusCode, path)
	}
	for _, path := range []string{"/static/", "/static", "/static/../page.go", "/index.html", "/static/index.html", "/x"} {
		require.Equal(t, http.StatusNotFound, get(path, "").StatusCode, path)
	}
}

func TestShell_KeysAndTheme_AccessibleInAllShapes(t *testing.T) {
	t.Parallel()
	p := browser.Open(t, serve(t, map[string]any{"session": admin(), "cameras": []string{}})+"/#/live")
	p.WaitText("main", "3 people")
	t.Logf("first paint after %.0f ms", browser.Eval[float64](p, `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1`))
	p.EachShape(func(name string) {
		if dir := os.Getenv("SIGHTLOG_PAGES"); dir != "" { // to look at
			require.NoError(t, os.WriteFile(filepath.Join(dir, "shell-"+name+".png"), p.Picture(), 0o600))
		}
	})
	p.Press(kb.Tab + kb.Enter) // skips the navigation
	require.Equal(t, "view", browser.Eval[string](p, `document.activeElement.id`))
	background := `getComputedStyle(document.body).backgroundColor`
	light := browser.Eval[string](p, background)
	p.Click("#theme")
	p.Click("#theme")
	p.Wait(background + " !== " + `"` + light + `"`)
	p.Reload()
	p.WaitText("main", "3 people")
	require.NotEqual(t, light, browser.Eval[string](p, background), "the choice is remembered")
	p.Accessible()
}

func TestShell_ProblemOfTheServer_ShownInWordsUntilClosed(t *testing.T) {
	t.Parallel()
	url := serve(t, map[string]any{"session": admin(), "cameras": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem(w, http.StatusServiceUnavailable, "the database <b>does not</b> answer")
	})})
	p := browser.Blank(t)
	p.Expect("503")
	p.Goto(url)
	p.WaitText("#alerts", "the database <b>does not</b> answer")
	p.EachShape(func(string) {})
	p.Click("#alerts button")
	p.Wait(`document.querySelectorAll('#alerts .alert').length === 0`)
}

func TestShell_NotLoggedIn_FormThenTheView(t *testing.T) {
	t.Parallel()
	in := make(chan struct{})
	url := serve(t, map[string]any{
		"session": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			select {
			case <-in:
				_ = json.NewEncoder(w).Encode(map[string]string{"user": "kim", "role": "reader", "csrf": "c"})
			default:
				problem(w, http.StatusUnauthorized, "log in")
			}
		}),
		"login": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var given struct{ User, Password string }
			if json.NewDecoder(r.Body).Decode(&given) != nil || given.User != "kim" || given.Password != "right" {
				problem(w, http.StatusUnauthorized, "user or password is wrong")
				return
			}
			close(in)
		}),
		"cameras": []string{},
	})
	p := browser.Blank(t)
	p.Expect("401")
	p.Goto(url + "/#/live")
	p.WaitText("h1", "Log in")
	p.EachShape(func(string) {})
	p.Press("kim" + kb.Tab + "wrong" + kb.Enter)
	p.WaitText("#wrong", "user or password is wrong")
	p.Press("right" + kb.Enter)
	p.WaitText("main", "3 people")
	require.Equal(t, "kim", p.Text("#user"))
}

// An address with a time zone that there is none of is answered in words, by the browser's time zone.
func TestShell_NoSuchTimeZone_SaidAndTheViewIsShown(t *testing.T) {
	t.Parallel()
	alarms := map[string]any{"rules": []string{"door"}, "alarms": []any{map[string]any{
		"id": "a", "rule": "door", "kind": "presence", "message": "1 × person in yard",
		"began_at": "2026-11-27T09:00:00Z", "ended_at": nil, "deliveries": []any{},
	}}}
	url := serve(t, map[string]any{"session": admin(), "cameras": []string{}, "alarms": alarms, "events": stream("status", "{}")})
	p := browser.Open(t, url+"/#/alarms?tz=Mars/X")
	p.WaitText("#alerts", `tz "Mars/X" is no time zone`)
	p.WaitText("main", "1 × person in yard")
}

// stream is a response of one server-sent event, which does not end.
func stream(kind, data string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, data)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// Events that are refused once, as while sightlog starts, are asked for again.
func TestClient_EventsRefused_AskedForAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	url := serve(t, map[string]any{ // ends after the browser, and with it the stream
		"session": admin(), "cameras": []string{},
		"alarms": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			rules := []string{}
			if asked.Load() > 1 {
				rules = append(rules, "door")
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"rules": rules, "alarms": []any{}})
		}),
		"events": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 1 {
				problem(w, http.StatusServiceUnavailable, "not yet")
				return
			}
			stream("alarm", "{}")(w, r)
		}),
	})
	p := browser.Blank(t)
	p.Expect("503")
	p.Goto(url + "/#/alarms")
	p.WaitText("main", "There was no alarm yet")
	p.WaitText("main", "There is no alarm of this kind")
}

// A camera that the configuration has and nobody has seen yet is asked for nothing, and its name is
// no wider than a telephone.
func TestHeat_CameraNotSeenYet_SaidWithoutAsking(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("a-long-name-", 5) + "64"
	url := serve(t, map[string]any{"session": admin(), "cameras": []any{map[string]any{"id": name, "newest": nil, "zones": map[string]any{}}}})
	p := browser.Open(t, url+"/#/heat")
	p.WaitText("main", "No camera has been seen yet.")
	p.Wait(`document.querySelector('#by-camera')`)
	p.EachShape(func(string) {})
}
