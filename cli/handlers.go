package cli

import (
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/web/alarms"
	web "github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/api"
	"github.com/sightlog/sightlog/web/events"
	"github.com/sightlog/sightlog/web/health"
	"github.com/sightlog/sightlog/web/history"
	"github.com/sightlog/sightlog/web/page"
	"github.com/sightlog/sightlog/web/pictures"
	"github.com/sightlog/sightlog/web/route"
)

// handlers are the parts of the site that answer requests, and what they read from.
type handlers struct {
	site   *Site
	pool   *pgxpool.Pool // its role can only read
	db     *web.Database
	events *events.Hub
}

// openHandlers opens what the handlers read from.
func (s *Site) openHandlers(ctx context.Context) (*handlers, error) {
	log, err := pipeline.KafkaConfig(s.Services.Kafka, s.Log)
	if err != nil {
		return nil, err
	}
	pool, err := database.OpenReader(ctx, s.Services.URL, web.AtOnce+1, s.Log)
	if err != nil {
		return nil, err
	}
	h := &handlers{site: s, pool: pool, db: web.NewDatabase(pool, web.AtOnce, web.TimeLimit)}
	h.events = events.NewHub(log, s.Log, alarms.Events(h.db), events.Changes("health", func() any { return s.problems() }), events.Changes("status", func() any { return s.states() }))
	return h, nil
}

// close ends what openHandlers opened. No request is being answered any more.
func (h *handlers) close() {
	h.events.Close()
	h.pool.Close()
}

// routes returns the routes of the whole site, without those of logging in.
func (h *handlers) routes() ([]route.Route, error) {
	s, all := h.site, page.Routes()
	all = append(all, api.Routes(api.Config{DB: h.db, Cameras: s.cameras()})...)
	all = append(all, history.Routes(h.db)...)
	all = append(all, h.events.Route())
	all = append(all, s.Live.Routes()...)
	state := &health.Config{Facts: s.Services.Facts, Status: s.Cameras, Pool: s.Services.Pool, Log: s.Log}
	all = append(all, state.Routes()...)
	all = append(all, settingsOf(s.Env, s.Services, s.Present, s.Tracked, s.Log).Routes()...)
	all = append(all, pictures.Routes(h.db)...)
	all = append(all, alarms.Routes(alarms.Config{
		DB: h.db, Write: func() *pgxpool.Pool { return s.Services.Pool }, Rules: s.Env.ruleNames(), Test: s.testAlarm,
		Cameras: func() []string {
			return slices.AppendSeq(slices.Collect(maps.Keys(s.cameras().Settings())), maps.Keys(s.states()))
		},
	})...)
	return api.Assemble(all, s.auth.Routes(), Version, s.Log)
}

// cameras is what is known of the cameras besides the database.
func (s *Site) cameras() api.CamerasConfig {
	settings := func() map[string]config.CameraSettings { return s.Env.Cameras }
	if s.Present != nil {
		settings = s.Present.Settings
	}
	c := api.CamerasConfig{
		Settings: settings,
		Privacy:  func(camera string) string { return s.Privacy.PrivacyOf(settings()[camera]) },
	}
	if s.Cameras != nil {
		c.States = s.states
	}
	return c
}

// states returns the states of the sources of detect, by camera.
func (s *Site) states() map[string]string {
	all := make(map[string]string)
	if s.Cameras != nil {
		for _, c := range s.Cameras().Cameras {
			all[c.ID] = string(c.State)
		}
	}
	return all
}

// problems returns what is wrong, a line each.
func (s *Site) problems() []string {
	if s.Problems == nil {
		return []string{}
	}
	return append([]string{}, s.Problems()...)
}
