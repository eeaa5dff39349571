package query_test

import (
	"context"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
)

// views are what a page asks when it shows 50 cameras.
func views(pool *pgxpool.Pool, until time.Time) map[string]func(context.Context) error {
	last := func(d time.Duration) query.Filter {
		return query.Filter{Since: until.Add(-d), Until: until, TZ: "Europe/Berlin"}
	}
	timeline := func(f query.Filter) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := query.TimelineOf(ctx, pool, f)
			return err
		}
	}
	one := last(30 * 24 * time.Hour)
	one.Camera = "cam-5"
	return map[string]func(context.Context) error{
		"today": func(ctx context.Context) error {
			_, err := query.DayOf(ctx, pool, query.Filter{TZ: "Europe/Berlin"}, "", until)
			return err
		},
		"today/camera": func(ctx context.Context) error {
			_, err := query.DayOf(ctx, pool, query.Filter{TZ: "Europe/Berlin", Camera: "cam-5"}, "", until)
			return err
		},
		"timeline/month":        timeline(last(30 * 24 * time.Hour)),
		"timeline/month-camera": timeline(one),
		"timeline/week":         timeline(last(7 * 24 * time.Hour)),
		"timeline/day":          timeline(last(24 * time.Hour)),
		"timeline/hour":         timeline(last(time.Hour)),
		"tracks/hour": func(ctx context.Context) error {
			_, err := query.TracksOf(ctx, pool, last(time.Hour), query.Part{Limit: 24})
			return err
		},
	}
}

// BenchmarkViews asks what the page asks of 50 cameras with a past of 30 days, whose totals
// have a row for each minute (their sightings are one a minute, which no view reads). With
// SIGHTLOG_FLEET=URL the past is made and kept in that database, which has our tables.
// server-ms is the processor time of PostgreSQL.
func BenchmarkViews(b *testing.B) {
	f := &fleet{cameras: 50, past: 30 * 24 * time.Hour, every: time.Minute, people: 2}
	var pool *pgxpool.Pool
	if address := os.Getenv("SIGHTLOG_FLEET"); address == "" {
		pool = f.open(b)
	} else {
		pool = pgtest.Pool(b, address)
		var there bool
		require.NoError(b, pool.QueryRow(b.Context(), "SELECT EXISTS (SELECT FROM latest_sightings)").Scan(&there))
		if !there {
			f.fill(b, pool)
		}
	}
	var until time.Time
	require.NoError(b, pool.QueryRow(b.Context(), "SELECT max(captured_at) FROM latest_sightings").Scan(&until))
	b.Log(pgtest.Lines(b, pool, `SELECT format('%s minutes, %s crossing minutes, %s tracks, %s visits', (SELECT count(*) FROM camera_minutes), (SELECT count(*) FROM crossing_minutes),
		(SELECT count(*) FROM tracks), (SELECT count(*) FROM visits))`))
	for name, view := range views(pool, until.Add(time.Second)) {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			server := pgtest.Processor(b, pool)
			for b.Loop() {
				began := time.Now()
				require.NoError(b, view(b.Context()))
				took = append(took, time.Since(began))
			}
			server = pgtest.Processor(b, pool) - server
			slices.Sort(took)
			b.ReportMetric(float64(server.Milliseconds())/float64(len(took)), "server-ms")
			b.ReportMetric(float64(took[0].Microseconds())/1000, "least-ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
		})
	}
}
