package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/browser"
)

// recorder is a test whose failures are kept.
type recorder struct {
	testing.TB
	mu       sync.Mutex
	cleanups []func()
	failures []string // guarded by mu
}

func (r *recorder) Helper()          {}
func (r *recorder) Cleanup(f func()) { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// end runs the cleanups, last first.
func (r *recorder) end() string {
	for _, v := range slices.Backward(r.cleanups) {
		v()
	}
	return strings.Join(r.failures, "\n")
}

func site(t *testing.T, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; img-src data:")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><head><title>t</title><link rel="icon" href="data:,"></head><body><main><h1>h</h1>%s</main></body></html>`, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestPage_FaultsOfThePage_FailTheTest(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, failure string }{
		"a message":        {`<script>console.warn("look", 3)</script>`, "look 3"},
		"an exception":     {`<script>throw new Error("broken")</script>`, "broken"},
		"a rejection":      {`<script>Promise.reject(new Error("later"))</script>`, "later"},
		"absent":           {`<script>fetch("/none")</script>`, "404"},
		"refused":          {`<img alt="a" src="/picture.png">`, "Content Security Policy"},
		"without a name":   {`<button></button>`, "button-name"},
		"too little ink":   {`<p style="color:#ccc;background:#fff">pale</p>`, "color-contrast"},
		"wider than asked": {`<div style="width:2000px">x</div>`, "wider"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &recorder{TB: t}
			done := make(chan struct{})
			go func() { // which require ends
				defer close(done)
				p := browser.Open(r, site(t, tc.body))
				p.EachShape(func(string) {})
			}()
			<-done
			require.Contains(t, r.end(), tc.failure)
		})
	}
}

func (r *recorder) FailNow() { runtime.Goexit() }

func TestPage_GoodPage_Passes(t *testing.T) {
	t.Parallel()
	p := browser.Open(t, site(t, `<button id="b">Press</button><output id="o"></output>
		<script>b.onclick = () => o.textContent = "pressed"; addEventListener("keydown", e => o.textContent = e.key)</script>`))
	p.Click("#b")
	p.WaitText("#o", "pressed")
	p.Press("x")
	require.Equal(t, "x", p.Text("#o"))
	p.Expect("404")
	p.Run(`fetch("/none")`)
	p.Accessible()
	require.Equal(t, 3, browser.Eval[int](p, `Promise.resolve(1 + 2)`))
	require.NotEmpty(t, p.Picture())
}
