package bench

import (
	"github.com/sightlog/sightlog/bench/host"
	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/pipeline"
)

// setValues computes the values of a round from its frames and processes.
func setValues(r *result.Round, seen *watched, services pipeline.ServicesConfig) {
	frames := float64(r.Frames)
	cpu := make(map[string]float64) // seconds by part
	var all, written, switches, rss, pss float64
	for _, p := range r.Processes {
		cpu[p.Part] += p.User + p.System
		if p.Part == host.Probe {
			continue
		}
		all += p.User + p.System
		written += float64(p.Written)
		switches += float64(p.Voluntary + p.Involuntary)
		rss += float64(p.RSS)
		pss += float64(p.PSS)
	}
	v := r.Values
	v[result.FPS] = frames / r.Seconds
	v[result.Rate] = v[result.FPS]
	v[result.CPUFrame] = 1000 * all / frames
	v[result.CPUDetect] = 1000 * cpu[host.Detect] / frames
	v[result.CPUServices] = 1000 * cpu[host.Services] / frames
	if services.Database.DatabaseURL == "" {
		v[result.CPUPostgres] = 1000 * cpu[host.Postgres] / frames
	}
	v[result.CPUBeyond] = v[result.CPUFrame] - v[result.CPUDetect]
	v[result.CPUShare] = (all + cpu[host.Probe]) / seen.usage.Seconds / float64(host.CPUs())
	v[result.CPUBusy] = seen.usage.Busy
	v[result.RSS], v[result.PSS] = rss, pss
	v[result.Written] = written / frames
	v[result.Switches] = switches / frames
	v[result.Load] = seen.usage.Load
	h := r.Histograms[result.DueCommitted]
	v[result.P50], v[result.P99] = h.Quantile(.5), h.Quantile(.99)
}
