package clients

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// result is what a program said.
type result struct {
	version string
	cases   []string // in the order in which they ran
	outcome map[string]outcome
}

// outcome is how a case ended.
type outcome struct{ word, why string } // ok, absent or failed

// try runs a program and reads its lines.
func try(t *testing.T, command []string, b brokers) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // each case has its own limit
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	var diag bytes.Buffer
	cmd.Env, cmd.Stderr = b.env(), &diag
	out, err := cmd.Output()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s\nstandard error: %s", out, diag.Bytes()[max(0, diag.Len()-4000):])
		}
	})
	r := result{outcome: map[string]outcome{}}
	for line := range strings.Lines(string(out)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "version":
			r.version = rest
		case "ok", "absent", "failed":
			name, why := rest, ""
			if word != "ok" {
				at := strings.LastIndex(rest, ": ")
				if first := strings.Index(rest, ": "); word == "failed" || at < 0 {
					at = first
				}
				require.Positive(t, at, "%q has no reason", line)
				name, why = rest[:at], rest[at+2:]
			}
			r.cases = append(r.cases, name)
			r.outcome[name] = outcome{word, why}
		}
	}
	require.NotEmpty(t, r.version, "the program said nothing: %v", err)
	require.NotEmpty(t, r.cases)
	return r
}

// TestClients_EachCase_AsThePageSays runs every client that can be had against our broker, and
// compares docs/compatibility.md. With SIGHTLOG_CLIENTS=all a case that fails must pass with
// Apache Kafka to be ours.
func TestClients_EachCase_AsThePageSays(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	rows := map[string]row{}
	t.Run("each", func(t *testing.T) {
		here := ours(t)
		var kafka brokers
		if all() {
			kafka = kafkas(t)
		}
		page := readPage(t)
		for _, c := range clients {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				command := c.command(t)
				r := row{result: try(t, command, here)}
				if all() {
					r.kafka = try(t, command, kafka)
				}
				mu.Lock()
				rows[c.name] = r
				mu.Unlock()
				if *update {
					return
				}
				require.Equal(t, page.version[c.name], r.version, "the page has another version: UPDATE=1 make test-clients writes it")
				for _, name := range r.cases {
					if r.cell(name) == "yes" && page.cell[c.name][name] == "–" {
						continue // a newer runtime has what that of the page has not
					}
					require.Equal(t, page.cell[c.name][name], r.cell(name), "%s: %s", name, r.outcome[name].why)
				}
			})
		}
	})
	if *update {
		writePage(t, rows)
	}
}
