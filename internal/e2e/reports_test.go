package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// A report that came due while nothing ran is made by the process that starts next, and sent once,
// also when that is killed before its receiver is there.
func TestReports_DueWhileNothingRan_SentOnce(t *testing.T) {
	t.Parallel()
	h := &hook{addr: testenv.FreeAddr(t)}
	file, dir := alarmFile(t, h.addr), dataDir(t)
	f, err := os.OpenFile(filepath.Clean(file), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = fmt.Fprint(f, "reports:\n  daily: {every: day, at: \"00:00\", camera: door, to: [hook]}\n")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	ok(t, sightlog, "run", "--data", dir, "--source", "door=test://people?frames=30&fps=10", "--pace", "fast")
	const reports = "select count(*) as n from alarm_deliveries where event = 'report'"
	serve := []string{"serve", "--config", file, "--data", dir}

	p := start(t, sightlogd, serve...)
	_, url := endpoints(t, dir, p)
	awaitNumber(t, dir, "select count(*) as n from report_states", func(n int) bool { return n == 1 })
	require.Zero(t, number(t, []string{"--data", dir}, reports), "the past of a new report is not sent")
	pool := pgtest.Pool(t, url)
	_, err = pool.Exec(t.Context(), "UPDATE report_states SET made_until = made_until - 1")
	require.NoError(t, err)
	pool.Close()
	awaitNumber(t, dir, reports, func(n int) bool { return n == 1 })
	p.kill()

	h.up(t)
	p = start(t, sightlogd, serve...)
	endpoints(t, dir, p)
	awaitNumber(t, dir, reports+" and sent_at is not null", func(n int) bool { return n == 1 })
	from := []string{"--data", dir}
	require.Equal(t, 1, number(t, from, "select count(*) from report_states where made_until = (now() at time zone 'UTC')::date"))
	require.Equal(t, 1, number(t, from, "select count(*) from alarm_deliveries where payload->'report'->>'camera' = 'door' "+
		"and (payload->'report'->>'until')::timestamptz - (payload->'report'->>'since')::timestamptz = interval '24 hours'"))
	require.Zero(t, p.stop(t).code, p.output)
	messages, _ := h.taken()
	require.Equal(t, []string{fmt.Sprint(rows(t, from, "select message_id from alarm_deliveries where event = 'report'")[0]["message_id"])}, messages)
}
