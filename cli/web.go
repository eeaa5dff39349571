package cli

import (
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/live"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/web"
	"github.com/sightlog/sightlog/web/auth"
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
	Privacy  config.Privacy // of detect

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
	if err := s.tls().Check(); err != nil {
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
