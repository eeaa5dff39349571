// Package browser drives a real browser through a page: tests click, type and read as a user does.
//
// Each page has a process and a profile of its own. Whatever the page writes on the console, an
// exception, a request that fails or a resource that the page's policy refuses fails the test,
// unless the test said before that it belongs to the case (Page.Expect).
package browser

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// programs are the browsers that can be driven.
var programs = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// patience bounds a wait: it ends a test that would hang, and decides nothing else.
const patience = 2 * time.Minute

// mark is the last message of a test on the console.
const mark = "the test has ended"

// Page is a tab of a browser of its own.
type Page struct {
	testing.TB
	ctx context.Context

	mu sync.Mutex
	// guards the following
	console  []string
	expected []*regexp.Regexp
}

// Open starts a browser with a window of 1280 × 800 pixels and loads the address. Without a
// browser it skips the test. The browser ends with the test, which fails if there is a message on
// the console.
func Open(t testing.TB, url string) *Page {
	t.Helper()
	p := Blank(t)
	p.Goto(url)
	return p
}

// Blank is Open without an address.
func Blank(t testing.TB) *Page {
	t.Helper()
	program := find(t)
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program), chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 800))
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(ctx, opts...)
	p := &Page{TB: t}
	p.ctx, _ = chromedp.NewContext(ctx)
	seen := make(chan struct{}) // closed when all messages up to the mark were read, or there are no more
	t.Cleanup(func() {
		if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[chromedp.Void](`console.debug(`+quote(mark)+`)`)); err == nil {
			<-seen
		}
		_ = chromedp.Cancel(p.ctx)
		stop()
		cancel()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, message := range p.console {
			t.Errorf("on the browser's console: %s", message)
		}
	})
	require.NoError(t, chromedp.Do(p.ctx), "start %s", program)
	messages := chromedp.Console(p.ctx)
	go func() { // ends with the mark, or with p.ctx
		defer close(seen)
		for m, err := range messages {
			if err != nil || m.Text == mark {
				return
			}
			p.said(strings.TrimSpace(string(m.Type) + ": " + m.Text + " " + m.URL))
		}
	}()
	p.Viewport(1280, 800)
	return p
}

func find(t testing.TB) string {
	t.Helper()
	for _, name := range programs {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	testenv.Skip(t, "no browser is installed (chromium)")
	return ""
}

func (p *Page) said(message string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.ContainsFunc(p.expected, func(e *regexp.Regexp) bool { return e.MatchString(message) }) {
		p.console = append(p.console, message)
	}
}

// Expect allows messages on the console from now on that match the expression, such as that of a
// request which the test has refused.
func (p *Page) Expect(expression string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = append(p.expected, regexp.MustCompile(expression))
}

// Do runs actions.
func (p *Page) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	require.NoError(p, chromedp.Do(ctx, actions...))
}

// Get runs an action and returns its value.
func Get[T any](p *Page, action chromedp.Action[T]) T {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	require.NoError(p, err)
	return v
}

// Eval returns the value of a script's expression, which may be a promise.
func Eval[T any](p *Page, expression string) T {
	p.Helper()
	return Get(p, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Run evaluates an expression without a value, which may be a promise.
func (p *Page) Run(expression string) {
	p.Helper()
	p.Do(chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
}

// Goto loads an address. One that differs behind the # alone does not load the page again.
func (p *Page) Goto(url string) {
	p.Helper()
	if at, hash, found := strings.Cut(url, "#"); found && at != "" {
		if now, _, _ := strings.Cut(Get(p, chromedp.Location()), "#"); now == at {
			p.Run(`void (location.hash = ` + quote("#"+hash) + `)`)
			return
		}
	}
	p.Do(chromedp.Navigate(url))
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.Helper()
	p.Do(chromedp.Reload())
}

// Wait waits until the expression is true.
func (p *Page) Wait(expression string) {
	p.Helper()
	// The page's policy refuses eval, by which chromedp.Poll would work.
	wait := `new Promise(done => { const look = () => { let v; try { v = (` + expression + `) } catch {}
		v ? done(true) : setTimeout(look, 20) }; look() })`
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](wait, chromedp.EvalAwaitPromise)); err != nil {
		body, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		require.FailNow(p, "the page does not come to it", "%s: %v\n%s", expression, err, body)
	}
}

// WaitText waits until the first element of a CSS selector shows a text.
func (p *Page) WaitText(selector, text string) {
	p.Helper()
	p.Wait(`document.querySelector(` + quote(selector) + `).innerText.includes(` + quote(text) + `)`)
}

// Text returns the text of the first element of a CSS selector, as it is shown.
func (p *Page) Text(selector string) string {
	p.Helper()
	p.Wait(`document.querySelector(` + quote(selector) + `)`)
	return Eval[string](p, `document.querySelector(`+quote(selector)+`).innerText`)
}

// Click clicks the first visible element of a CSS selector.
func (p *Page) Click(selector string) {
	p.Helper()
	p.Do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Press sends keys to the element that has the focus: text, or the keys of chromedp/kb.
func (p *Page) Press(keys string) {
	p.Helper()
	p.Do(chromedp.KeyEvent(keys))
}

// HTML returns the document as it is now.
func (p *Page) HTML() string {
	p.Helper()
	return Eval[string](p, `document.documentElement.outerHTML`)
}

// Viewport sets the size of the window, in pixels.
func (p *Page) Viewport(width, height int64) {
	p.Helper()
	p.Do(chromedp.EmulateViewport(width, height))
}

// Scheme has the page shown as the system prefers it: "light" or "dark".
func (p *Page) Scheme(scheme string) {
	p.Helper()
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	require.NoError(p, err)
}
