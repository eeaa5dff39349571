package cli

import (
	"fmt"
	"log/slog"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/web"
	"github.com/sightlog/sightlog/web/page"
	"github.com/sightlog/sightlog/web/route"
)

// Site is what the page and its API are served from.
type Site struct {
	Web      config.Web
	Services *pipeline.Services
	Problems func() []string        // what is wrong, a line each
	Cameras  func() pipeline.Status // of detect; nil where it runs apart
	Env      *Env
	Log      *slog.Logger
}

// routes returns the routes of the whole site.
func (s Site) routes() []route.Route {
	return page.Routes()
}

// Serve serves the site and publishes its address. close ends it; both do nothing where the
// page is off.
func (s Site) Serve() (url string, closeSite func() error, err error) {
	addr, chosen := s.Web.Addr()
	if addr == "" {
		return "", func() error { return nil }, nil
	}
	server, err := web.Serve(web.SiteConfig{Addr: addr, Chosen: chosen, Routes: s.routes(), Log: s.Log})
	if err != nil {
		return "", nil, err
	}
	if err := s.Services.PublishWeb(server.URL()); err != nil {
		return "", nil, fmt.Errorf("publish the page's address: %w", err)
	}
	return server.URL(), server.Close, nil
}
