package e2e_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/bench/catchup"
	benchresult "github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/bench/service"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
)

// A benchmark of the sink that is stopped keeps the rounds that were whole, and without a
// server of its own says that its processor time is not measured.
func TestBenchSink_Stopped_KeepsWholeRounds(t *testing.T) {
	t.Parallel()
	for when, want := range map[string]struct {
		rounds int
		cut    string
	}{
		"round 2 of 3: sink":  {1, "it was stopped in round 2 of 3, which has no figures"},
		"steady rate, 2 of 3": {3, "it was stopped at the steady rate, of which there are no figures"},
	} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			dir := dataDir(t)
			b := start(t, sightlogd, "broker", "--listen", "127.0.0.1:0", "--data", dir)
			broker, _ := endpoints(t, dir, b)
			url := databaseURL(t)
			ok(t, sightlogd, "migrate", "--database-url", url)
			ctx, stop := context.WithCancel(t.Context())
			r, err := catchup.Run(ctx, catchup.Config{
				Kafka: kafka.Config{Brokers: []string{broker}}, Pool: pgtest.Pool(t, url), Dir: t.TempDir(),
				Sightings: 200, People: 2, Cameras: 2, Partitions: 4, Rounds: 3, Rate: 100, Duration: 100 * time.Millisecond,
				Start: func() (*service.Program, error) {
					return service.Start(sightlogd, "sink", "--brokers", broker, "--database-url", url)
				},
				Progress: func(what string) {
					if what == when {
						stop()
					}
				},
			})
			require.NoError(t, err)
			require.Len(t, r.Rounds, want.rounds)
			require.Equal(t, want.cut, r.Cut)
			require.True(t, r.Correct.OK(), "%+v", r.Correct)
			require.Positive(t, r.Total.Values[benchresult.Rate])
			require.NotContains(t, r.Total.Values, benchresult.P99)
			var text bytes.Buffer
			require.NoError(t, catchup.WriteText(&text, r))
			require.Contains(t, text.String(), "CUT SHORT: "+want.cut)
			require.Contains(t, text.String(), "the CPU time of PostgreSQL, of --database-url, is not measured")
		})
	}
}
