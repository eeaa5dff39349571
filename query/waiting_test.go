package query_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/postgres"
	"github.com/sightlog/sightlog/query"
)

// lines hands on what a logger writes.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(bytes.TrimSpace(b))
	return len(b), nil
}

// A query that waits for a lock says so, and when it is interrupted the server does
// not go on waiting for it.
func TestAnswer_TableLocked_WaitIsReportedAndContextEndsIt(t *testing.T) {
	t.Parallel()
	for table, question := range map[string]query.Question{
		"camera_minutes": report("people", query.Filter{}),
		"cameras":        report("people", query.Filter{Camera: "porch"}), // looked up before the query itself
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			other := pgtest.Pool(t, url)
			_, err := other.Exec(t.Context(), "INSERT INTO cameras (name) VALUES ('porch')")
			require.NoError(t, err)
			holder, err := other.Begin(t.Context())
			require.NoError(t, err)
			_, err = holder.Exec(t.Context(), "LOCK TABLE "+table)
			require.NoError(t, err)
			waiting := func() (n int) {
				require.NoError(t, other.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity
					WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&n))
				return n
			}

			said := make(lines, 16) // more than are written
			log := slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))
			db, err := postgres.Open(t.Context(), url, postgres.Options{ReadOnly: true, Log: log})
			require.NoError(t, err)
			defer db.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var answered sync.WaitGroup
			var failed error
			answered.Go(func() { failed = question.Answer(ctx, db, io.Discard, "csv") })

			require.Regexp(t, `level=WARN msg="waiting for a lock in the database" table=`+table+` held_by_process=\[\d+\]`, <-said)
			require.Equal(t, 1, waiting())
			cancel()
			answered.Wait()
			require.ErrorIs(t, failed, context.Canceled)
			require.Eventually(t, func() bool { return waiting() == 0 }, 60e9, 10e6, "the server still waits for the lock")
			require.NoError(t, holder.Rollback(t.Context()))
			require.Empty(t, said, "it is said once")
		})
	}
}
