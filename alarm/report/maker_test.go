package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/report"
	"github.com/sightlog/sightlog/internal/pgtest"
)

// The first look at a new report makes nothing; each day after it is made once, at its hour.
func TestMaker_DaysPass_EachReportOnceAtItsHour(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	fill(t, pool)
	m, r := maker(t, pool), daily(t)
	for _, at := range []string{"2026-11-25T12:00:00Z", "2026-11-26T05:59:59Z"} {
		require.NoError(t, m.Look(t.Context(), r, clock(t, at)))
		require.Empty(t, queued(t, pool), at)
	}
	for range 3 {
		require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-11-26T06:00:00Z")))
	}
	require.Equal(t, []string{"hook daily 2026-11-24 1", "mail daily 2026-11-24 1"}, queued(t, pool))
	_, err := pool.Exec(t.Context(), "DELETE FROM alarm_deliveries") // retention
	require.NoError(t, err)
	require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-11-26T20:00:00Z")))
	require.Empty(t, queued(t, pool), "never twice")

	r.To = []string{"mail"}
	require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-11-28T20:00:00Z"))) // it was down
	require.Equal(t, []string{"mail daily 2026-11-25 1", "mail daily 2026-11-26 1"}, queued(t, pool))
	require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-12-05T20:00:00Z"))) // for longer than max-age
	require.Equal(t, []string{
		"mail daily 2026-11-25 1", "mail daily 2026-11-26 1", "mail daily 2026-12-01 1", "mail daily 2026-12-02 1", "mail daily 2026-12-03 1",
	}, queued(t, pool))
}

// Many processes look at once.
func TestMaker_SeveralProcesses_OneReport(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool := pgtest.Pool(t, url)
	fill(t, pool)
	r := daily(t)
	require.NoError(t, maker(t, pool).Look(t.Context(), r, clock(t, "2026-11-26T12:00:00Z")))
	var all sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		own := maker(t, pgtest.Pool(t, url))
		all.Go(func() { errs[i] = own.Look(t.Context(), r, clock(t, "2026-11-27T06:00:00Z")) })
	}
	all.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, []string{"hook daily 2026-11-25 1", "mail daily 2026-11-25 1"}, queued(t, pool))
}

// A process whose transaction ends before its commit leaves nothing, and the next makes it.
func TestMaker_KilledWhileMaking_TheNextMakesIt(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	fill(t, pool)
	m, r := maker(t, pool), daily(t)
	require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-11-26T12:00:00Z")))
	_, err := pool.Exec(t.Context(), `CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), "CREATE TRIGGER die BEFORE UPDATE ON report_states FOR EACH ROW EXECUTE FUNCTION die()") // behind the messages
	require.NoError(t, err)
	due := clock(t, "2026-11-27T06:00:00Z")
	require.Error(t, m.Look(t.Context(), r, due))
	require.Empty(t, queued(t, pool))
	_, err = pool.Exec(t.Context(), "DROP TRIGGER die ON report_states")
	require.NoError(t, err)
	require.NoError(t, maker(t, pool).Look(t.Context(), r, due))
	require.Equal(t, []string{"hook daily 2026-11-25 1", "mail daily 2026-11-25 1"}, queued(t, pool))
}

// While the tables do not hold the day it is not made; after an hour it is, and says so.
func TestMaker_TablesBehindTheLog_WaitsThenSaysSo(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	fill(t, pool)
	m, r := maker(t, pool), daily(t)
	held := clock(t, "2026-11-25T20:00:00Z")
	m.Horizon = func(context.Context) (time.Time, error) { return held, nil }
	require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-11-26T12:00:00Z")))
	require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-11-27T06:59:00Z")))
	require.Empty(t, queued(t, pool))
	require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-11-27T07:00:00Z")))
	require.Equal(t, []string{"hook daily 2026-11-25 1", "mail daily 2026-11-25 1"}, queued(t, pool))
	var msg alarm.Message
	require.NoError(t, json.Unmarshal([]byte(pgtest.Lines(t, pool, "SELECT payload::text FROM alarm_deliveries LIMIT 1")[0]), &msg))
	rep, err := report.Read(msg.Report)
	require.NoError(t, err)
	require.Contains(t, rep.Text(), "what came after 25 Nov 21:00 may be missing")

	held = clock(t, "2026-11-27T23:00:00Z") // the end of the day in Berlin
	require.NoError(t, m.Look(t.Context(), r, clock(t, "2026-11-28T06:00:00Z")))
	require.Len(t, queued(t, pool), 4)
	require.Equal(t, []string{"2"}, pgtest.Lines(t, pool, "SELECT count(*) FROM alarm_deliveries WHERE payload->'report' ? 'incomplete_after'"))
}
