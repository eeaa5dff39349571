package testenv

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// browsers are the programs that render a page without a window.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// Render loads a local page in a browser, lets its scripts run, and returns its document as
// HTML. Without a browser it skips the test.
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
			"--user-data-dir="+t.TempDir(), "--virtual-time-budget=2000", "--dump-dom", "file://"+filepath.ToSlash(page))
		cmd.WaitDelay = time.Second
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(out)
	}
	Skip(t, "no browser is installed (chromium)")
	return ""
}
