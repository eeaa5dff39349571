package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// Processor returns the processor time that a server of this machine has used, with all its
// sessions, in steps of 10 ms: on a machine that is busy with other work it says more than
// the time of a clock.
func Processor(t testing.TB, pool *pgxpool.Pool) (used time.Duration) {
	t.Helper()
	var session int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&session))
	of, ok := readStat(fmt.Sprintf("/proc/%d/stat", session))
	require.True(t, ok)
	server, ok := readStat(fmt.Sprintf("/proc/%d/stat", of.parent))
	require.True(t, ok)
	used = server.own + server.ended
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	require.NoError(t, err)
	for _, path := range all {
		if p, ok := readStat(path); ok && p.parent == of.parent {
			used += p.own
		}
	}
	return used
}

type stat struct {
	parent     int
	own, ended time.Duration // of the process, and of its children that have ended
}

// readStat reads a file of proc(5); ok is false if the process has ended.
func readStat(path string) (s stat, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return stat{}, false
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the name before it may have spaces
	f := strings.Fields(rest)
	if len(f) < 15 {
		return stat{}, false
	}
	ticks := func(i int) time.Duration {
		n, _ := strconv.ParseInt(f[i], 10, 64)
		return time.Duration(n) * 10 * time.Millisecond
	}
	s.parent, _ = strconv.Atoi(f[1])
	s.own, s.ended = ticks(11)+ticks(12), ticks(13)+ticks(14)
	return s, true
}
