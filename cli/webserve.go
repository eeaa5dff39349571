package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/sightlog/sightlog/web"
)

// Serve serves the site, and publishes its address. A certificate of its own is printed, so that a
// browser's warning can be checked. closeSite ends it; both do nothing where the page is off.
func (s *Site) Serve(ctx context.Context) (url string, closeSite func() error, err error) {
	if s.auth == nil {
		return "", func() error { return nil }, nil
	}
	handlers, err := s.openHandlers(ctx)
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if err != nil {
			handlers.close()
		}
	}()
	routes, err := handlers.routes()
	if err != nil {
		return "", nil, err
	}
	addr, chosen := s.web.Addr()
	server, err := web.Serve(web.SiteConfig{
		Addr: addr, Chosen: chosen, Routes: routes, Auth: s.auth, TLS: s.tls(),
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
	return server.URL(), func() error {
		defer handlers.close()
		return server.Close()
	}, nil
}
