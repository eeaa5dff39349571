package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/database"
	"github.com/sightlog/sightlog/live"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/web"
	webanswer "github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/auth"
	"github.com/sightlog/sightlog/web/health"
	"github.com/sightlog/sightlog/web/page"
	"github.com/sightlog/sightlog/web/pictures"
	"github.com/sightlog/sightlog/web/route"
)

// Site is what the page and its API are served from.
type Site struct {
	Services *pipeline.Services
	Problems func() []string        // what is wrong, a line each
	Cameras  func() pipeline.Status // of detect; nil where it runs apart
	Live     *live.Client           // the pictures of detect; nil: the page is off
	Present  *pipeline.Present      // of run; nil where detect runs apart
	Tracked  bool                   // people are tracked
	Env      *Env
	Log      *slog.Logger

	web  config.Web
	data string     // the data directory
	auth *auth.Auth // nil: the page is off
}

// OpenSite returns a site that can be served, before anything is started for it: its errors
// are *usage.Error.
func OpenSite(w config.Web, data config.Data, env *Env, log *slog.Logger) (*Site, error) {
	s := &Site{web: w, data: data.Data, Env: env, Log: log}
	addr, _ := w.Addr()
	if addr == "" {
		return s, nil
	}
	s.Live = live.NewClient(log)
	if err := w.Check(); err != nil {
		return nil, err
	}
	a, err := auth.Open(w.WebUsers.WebUsers, log, time.Now)
	if err != nil {
		return nil, err
	}
	if err := s.tls().Check(log); err != nil {
		return nil, err
	}
	if at, err := net.ResolveTCPAddr("tcp", addr); err == nil { // else serving it says what is wrong
		if err := web.Allowed(addr, at.IP, a.HasUsers(), s.tls().On(), w.WebInsecure); err != nil {
			return nil, err
		}
	}
	s.auth = a
	return s, nil
}

func (s *Site) tls() web.TLS {
	t := web.TLS{ACME: s.web.WebACME, Dir: filepath.Join(s.data, "web")}
	switch s.web.WebTLS {
	case "":
	case config.SelfSigned:
		t.SelfSigned = true
	default:
		t.Cert, t.Key = s.web.WebTLS, s.web.WebTLSKey
	}
	return t
}

// routes returns the routes of the whole site, without those of logging in.
func (s *Site) routes(db *webanswer.Database) []route.Route {
	state := &health.Config{Facts: s.Services.Facts, Status: s.Cameras, Pool: s.Services.Pool, Log: s.Log}
	drawn := settingsOf(s.Env, s.Services, s.Present, s.Tracked, s.Log)
	return slices.Concat(page.Routes(), s.Live.Routes(), state.Routes(), drawn.Routes(), pictures.Routes(db))
}

// Serve serves the site, and publishes its address. A certificate of its own is printed, so that a
// browser's warning can be checked. closeSite ends it; both do nothing where the page is off.
func (s *Site) Serve() (url string, closeSite func() error, err error) {
	if s.auth == nil {
		return "", func() error { return nil }, nil
	}
	pool, err := database.OpenReader(context.Background(), s.Services.URL, webanswer.AtOnce+1, s.Log)
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			pool.Close()
		}
	}()
	addr, chosen := s.web.Addr()
	server, err := web.Serve(web.SiteConfig{
		Addr: addr, Chosen: chosen, Routes: s.routes(webanswer.NewDatabase(pool, webanswer.AtOnce, webanswer.TimeLimit)), Auth: s.auth, TLS: s.tls(),
		Hosts: s.web.WebHost, Insecure: s.web.WebInsecure, Log: s.Log,
	})
	if err != nil {
		return "", nil, err
	}
	if sum := server.Fingerprint(); sum != "" {
		fmt.Fprintln(s.Env.Stderr, "certificate of the page, SHA-256: "+sum)
	}
	if err := s.Services.PublishWeb(server.URL()); err != nil {
		return "", nil, errors.Join(fmt.Errorf("publish the page's address: %w", err), server.Close())
	}
	return server.URL(), func() error { defer pool.Close(); return server.Close() }, nil
}
