package web_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"

	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web"
	"github.com/sightlog/sightlog/web/auth"
	"github.com/sightlog/sightlog/web/page"
)

func TestServe_SelfSigned_KeptAndSecureCookies(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "web")
	w := open(t, func(cfg *web.SiteConfig) { cfg.TLS = web.TLS{SelfSigned: true, Dir: dir} })
	require.True(t, strings.HasPrefix(w.url, "https://"))
	require.NotEmpty(t, w.server.Fingerprint())
	b := w.browser()
	status, cookie := b.login("ada", adminPassword)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "__Host-sightlog", cookie.Name)
	require.True(t, cookie.Secure)
	require.Equal(t, "/", cookie.Path)
	require.Empty(t, cookie.Domain)
	resp := b.do("GET", "/api/v1/read", "")
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Empty(t, resp.Header.Get("Strict-Transport-Security"), "nobody could pass the browser's warning")

	again := open(t, func(cfg *web.SiteConfig) { cfg.TLS = web.TLS{SelfSigned: true, Dir: dir} })
	require.Equal(t, w.server.Fingerprint(), again.server.Fingerprint())

	plain, err := http.Get(strings.Replace(w.url, "https://", "http://", 1) + "/api/v1/public")
	require.NoError(t, err)
	defer plain.Body.Close()
	require.Equal(t, http.StatusBadRequest, plain.StatusCode, "nothing is served without TLS")
}

func TestServe_CertificateOfFiles_HSTSAndOldTLSRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "web")
	open(t, func(cfg *web.SiteConfig) { cfg.TLS = web.TLS{SelfSigned: true, Dir: dir} }) // makes a pair
	w := open(t, func(cfg *web.SiteConfig) {
		cfg.TLS = web.TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	})
	resp := w.browser().do("GET", "/", "")
	require.NoError(t, resp.Body.Close())
	require.Equal(t, "max-age=31536000", resp.Header.Get("Strict-Transport-Security"))
	require.Empty(t, w.server.Fingerprint())
	_, err := tls.Dial("tcp", strings.TrimPrefix(w.url, "https://"), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}) //nolint:gosec // it shall be refused
	require.Error(t, err)
}

func TestServe_HTTP2_StreamLasts(t *testing.T) {
	t.Parallel()
	w := open(t, func(cfg *web.SiteConfig) {
		cfg.TLS = web.TLS{SelfSigned: true, Dir: t.TempDir()}
		cfg.Limits = web.Limits{Write: 2 * time.Second, Read: 2 * time.Second, Recheck: 3 * time.Second}
	})
	b := w.browser()
	b.http.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	resp := b.do("GET", "/api/v1/stream", "", "Authorization", "Bearer "+w.readerToken)
	defer resp.Body.Close()
	require.Equal(t, 2, resp.ProtoMajor)
	require.NoError(t, w.users.RemoveToken("ray")) // seen after the timeouts
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, "begun\nended\n", string(rest))
}

func TestAllowed_OtherMachines_NeedUsersAndTLS(t *testing.T) {
	t.Parallel()
	public, own := net.ParseIP("192.0.2.1"), net.ParseIP("::1")
	for _, ip := range []net.IP{public, net.IPv4zero, net.IPv6zero} {
		err := web.Allowed("a:1", ip, false, true, false)
		require.ErrorContains(t, err, "without logging in")
		require.True(t, usage.Is(err))
		err = web.Allowed("a:1", ip, true, false, false)
		require.ErrorContains(t, err, "unencrypted")
		require.True(t, usage.Is(err))
		require.NoError(t, web.Allowed("a:1", ip, true, true, false))
		require.NoError(t, web.Allowed("a:1", ip, false, false, true))
	}
	require.NoError(t, web.Allowed("a:1", own, false, false, false))
}

func TestServe_OtherMachinesWithoutUsers_NothingListens(t *testing.T) {
	t.Parallel()
	cfg := web.SiteConfig{Addr: "0.0.0.0:0", Log: slog.New(slog.DiscardHandler)}
	withoutUsers(t)(&cfg)
	_, err := web.Serve(cfg)
	require.ErrorContains(t, err, "add --web-users FILE")
}

func TestServe_PortTaken_FreeOneUnlessChosen(t *testing.T) {
	t.Parallel()
	w := open(t, nil)
	a, err := auth.Open("", slog.New(slog.DiscardHandler), time.Now)
	require.NoError(t, err)
	cfg := web.SiteConfig{Addr: w.server.Addr(), Chosen: true, Routes: page.Routes(), Auth: a, Log: slog.New(slog.DiscardHandler)}
	_, err = web.Serve(cfg)
	require.ErrorContains(t, err, "the port is taken")
	require.True(t, usage.Is(err))
	cfg.Chosen = false
	other, err := web.Serve(cfg)
	require.NoError(t, err)
	require.NotEqual(t, w.server.Addr(), other.Addr())
	require.NoError(t, other.Close())
}
