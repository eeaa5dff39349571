package web_test

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web"
	"github.com/sightlog/sightlog/web/page"
	"github.com/sightlog/sightlog/web/route"
)

func TestServeSite_Page_Answers(t *testing.T) {
	cfg := web.SiteConfig{Addr: "127.0.0.1:0", Routes: page.Routes(), Log: slog.New(slog.DiscardHandler)}
	s, err := web.Serve(cfg)
	require.NoError(t, err)
	resp, err := http.Get(s.URL())
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(b), "sightlog")

	cfg.Addr, cfg.Chosen = s.Addr(), true
	_, err = web.Serve(cfg)
	require.ErrorContains(t, err, "the port is taken")
	require.True(t, usage.Is(err))

	cfg.Chosen = false
	other, err := web.Serve(cfg)
	require.NoError(t, err)
	require.NotEqual(t, s.Addr(), other.Addr())
	require.NoError(t, other.Close())
	require.NoError(t, s.Close())
}

func TestServeSite_RouteWithoutRole_Refused(t *testing.T) {
	_, err := web.Serve(web.SiteConfig{
		Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
		Routes: []route.Route{{Pattern: "GET /x", Handler: http.NotFoundHandler()}},
	})
	require.ErrorContains(t, err, "has no role")
}

func TestServeSite_LargeBody_Refused(t *testing.T) {
	read := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	s, err := web.Serve(web.SiteConfig{
		Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
		Routes: []route.Route{{Pattern: "POST /x", Role: route.Public, Handler: read}},
	})
	require.NoError(t, err)
	defer s.Close()
	resp, err := http.Post(s.URL()+"x", "text/plain", strings.NewReader(strings.Repeat("x", 2<<20)))
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, resp.StatusCode)
}
