package health

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/web/route"
)

const (
	freshFor   = time.Second
	stagesSpan = 30 * time.Second
	timeout    = 5 * time.Second
)

// Routes returns the routes. c must not be copied afterwards.
func (c *Config) Routes() []route.Route {
	return []route.Route{{Pattern: "GET /api/v1/health", Role: route.Reader, Handler: http.HandlerFunc(c.get), Doc: &route.Doc{
		Summary: "The state of each part, what is wrong in words, how to fix it, and the latency of the newest sightings by stage.",
		Answers: []route.Answer{{Status: http.StatusOK, Type: Health{}}},
	}}}
}

func (c *Config) get(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(c.now(r.Context())) // an error here is a client that has gone
}

// now returns an answer that is at most freshFor old. The reader who is first computes it for
// those who wait.
func (c *Config) now(ctx context.Context) Health {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.newest.At) < freshFor {
		return c.newest
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	h := Health{At: time.Now().UTC(), Level: OK, Stages: []query.Stage{}}
	facts := c.Facts(ctx)
	s := sample{at: h.At}
	if c.Status != nil {
		s.cameras = c.Status().Cameras
	}
	s.measureDisk(facts.Dir)
	h.Parts = append(h.Parts, c.cameras(s)...)
	database := c.database(ctx, facts)
	h.Parts = append(h.Parts, c.detector(s), broker(facts, database.Level == Bad), lag(facts), database)
	if p, are := c.receivers(ctx, facts); are {
		h.Parts = append(h.Parts, p)
	}
	if p, ok := c.disk(s); ok {
		h.Parts = append(h.Parts, p)
	}
	if p, ok := clock(); ok {
		h.Parts = append(h.Parts, p)
	}
	for _, p := range h.Parts {
		if p.Level == Bad || p.Level == Warning && h.Level == OK {
			h.Level = p.Level
		}
	}
	if stages, err := query.RecentStages(ctx, c.Pool, h.At.Add(-stagesSpan)); err != nil {
		c.Log.Debug("health: latencies", "err", err)
	} else if len(stages) > 0 {
		h.Stages = stages
	}
	if c.before = append(c.before, s); len(c.before) > maxSamples {
		c.before = c.before[1:]
	}
	c.newest = h
	return h
}
