package query_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/pipeline"
)

// BenchmarkRecount counts the past of the fleet of BenchmarkQuestions again, with a line and
// two zones of each camera. heap-MB is the most that this process had of the system while
// it counted; server-s is the processor time of PostgreSQL.
func BenchmarkRecount(b *testing.B) {
	pool := largeFleet(b)
	cameras := make(map[string]config.CameraSettings)
	for i := range 50 {
		cameras[fmt.Sprintf("cam-%d", i)] = config.CameraSettings{
			Lines: map[string][]config.Point{"middle": {{0.4, 0}, {0.4, 1}}},
			Zones: map[string][]config.Point{
				"door": {{0, 0}, {0.3, 0}, {0.3, 1}, {0, 1}},
				"yard": {{0.3, 0.2}, {0.8, 0.2}, {0.8, 1}, {0.3, 1}},
			},
		}
	}
	cfg := pipeline.RecountConfig{Pool: pool, Cameras: cameras, Until: time.Now().AddDate(1, 0, 0)}
	var most uint64
	cfg.Progress = func(pipeline.RecountProgress) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.Sys-m.HeapReleased)
	}
	server := pgtest.Processor(b, pool)
	for b.Loop() {
		began := time.Now()
		r, err := pipeline.Recount(b.Context(), cfg)
		require.NoError(b, err)
		b.ReportMetric(float64(r.Sightings)/time.Since(began).Seconds(), "sightings/s")
		b.ReportMetric(float64(r.Sightings), "sightings")
		b.Log(pgtest.Lines(b, pool, fmt.Sprintf("SELECT format('%%s crossings, %%s visits, %%s minutes of zones', (SELECT count(*) FROM %[1]s.crossings), (SELECT count(*) FROM %[1]s.visits), (SELECT count(*) FROM %[1]s.zone_minutes))", r.Schema)))
		require.NoError(b, pipeline.DropRecount(b.Context(), pool, r.ID))
	}
	b.ReportMetric((pgtest.Processor(b, pool)-server).Seconds()/float64(b.N), "server-s")
	b.ReportMetric(float64(most)/(1<<20), "heap-MB")
}
