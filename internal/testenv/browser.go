package testenv

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// browsers are the programs that render a page without a window.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// console is a message on the browser's console, as its log has it: of a script, or of a request
// that the page's policy refuses.
var console = regexp.MustCompile(`(?m)^.*:CONSOLE[:(].*$`)

// Render loads a local page in a browser, lets its scripts run, and returns its document as
// HTML. A message on the console fails the test. Without a browser it skips the test.
func Render(t testing.TB, page string) string {
	t.Helper()
	for _, name := range browsers {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
			"--user-data-dir="+t.TempDir(), "--virtual-time-budget=2000", "--enable-logging=stderr", "--dump-dom", "file://"+filepath.ToSlash(page))
		cmd.WaitDelay = time.Second
		var log bytes.Buffer
		cmd.Stderr = &log
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if message := console.Find(log.Bytes()); message != nil {
			t.Fatalf("on the console: %s", message)
		}
		return string(out)
	}
	Skip(t, "no browser is installed (chromium)")
	return ""
}
