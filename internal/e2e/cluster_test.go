package e2e_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

func TestTopicsAndGroups_Commands_Administer(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	p := start(t, sightlogd, "broker", "--data", dir)
	broker, _ := endpoints(t, dir, p)
	at := func(args ...string) []string { return append(args, "--brokers", broker, "--format", "csv") }

	ok(t, sightlogd, at("topics", "create", "news", "--partitions", "3", "--setting", "retention.ms=60000")...)
	require.Contains(t, ok(t, sightlogd, at("topics", "list")...), "news,3,1,0")
	r := do(t, sightlogd, at("topics", "create", "news")...)
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "news")
	require.Contains(t, ok(t, sightlogd, at("topics", "describe", "news", "--settings")...), "retention.ms,60000,")
	ok(t, sightlogd, at("topics", "alter", "news", "--setting", "retention.ms=70000", "--partitions", "4")...)
	require.Contains(t, ok(t, sightlogd, at("topics", "describe", "news", "--settings")...), "retention.ms,70000,")
	require.Equal(t, 5, strings.Count(ok(t, sightlogd, at("topics", "describe", "news")...), "\n"), "a header and four partitions")

	kcat, err := exec.LookPath("kcat")
	if err != nil {
		testenv.Skip(t, "kcat is not installed")
	}
	produce := exec.Command(kcat, "-b", broker, "-t", "news", "-P", "-K", ":")
	produce.Stdin = strings.NewReader("a:one\na:two\na:three\n")
	require.NoError(t, produce.Run())
	require.Equal(t, "one\ntwo\nthree\n", ok(t, sightlogd, "topics", "tail", "news", "--beginning", "--count", "3", "--brokers", broker))

	// A group that kcat made: it read all; reset, it reads all again.
	read := func() string {
		return ok(t, kcat, "-b", broker, "-G", "readers", "-c", "3", "-q", "-X", "auto.offset.reset=earliest", "news")
	}
	require.Equal(t, "one\ntwo\nthree\n", read())
	require.Contains(t, ok(t, sightlogd, at("groups", "list")...), "readers,consumer,")
	require.Contains(t, ok(t, sightlogd, at("groups", "describe", "readers")...), ",3,3,0,")
	ok(t, sightlogd, at("groups", "reset", "readers", "--topic", "news", "--to", "start")...)
	require.Equal(t, "one\ntwo\nthree\n", read())

	ok(t, sightlogd, at("topics", "delete", "news")...)
	require.NotContains(t, ok(t, sightlogd, at("topics", "list")...), "news")
	r = do(t, sightlogd, at("topics", "describe", "news")...)
	require.Equal(t, 2, r.code)
	require.Zero(t, p.stop(t).code)
}
