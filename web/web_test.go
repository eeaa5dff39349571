package web_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
	"github.com/sightlog/sightlog/web"
)

func TestServe_MetricsAndHealth_Answer(t *testing.T) {
	r := web.NewRegistry("1.2.3")
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "test_total", Help: "A test."})
	r.MustRegister(c)
	c.Add(3)
	var health web.Health
	s, err := web.Listen("127.0.0.1:0", r, &health)
	require.NoError(t, err)

	status := http.StatusOK
	get := func(path string) string {
		resp, err := http.Get("http://" + s.Addr() + path)
		require.NoError(t, err)
		defer resp.Body.Close()
		require.Equal(t, status, resp.StatusCode)
		b, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return string(b)
	}
	require.Contains(t, get("/metrics"), "test_total 3\n")
	require.Contains(t, get("/metrics"), "process_resident_memory_bytes")
	require.Contains(t, get("/metrics"), `sightlog_build_info{version="1.2.3"} 1`)
	require.Equal(t, "ok\n", get("/healthz"))
	require.Equal(t, "ok\n", get("/livez"))
	status = http.StatusServiceUnavailable
	require.Equal(t, "it is starting\n", get("/readyz"))

	var problems []string
	pending := []string{"yard: its source has not opened yet"}
	health.Watch(func() []string { return problems }, func() []string { return pending })
	require.Equal(t, "yard: its source has not opened yet\n", get("/readyz"))
	pending, status = nil, http.StatusOK
	require.Equal(t, "ok\n", get("/readyz"))
	require.Equal(t, "ok\n", get("/healthz"))
	problems, status = []string{"the disk is full", "sightings/3 stopped: why"}, http.StatusServiceUnavailable
	require.Equal(t, "the disk is full\nsightings/3 stopped: why\n", get("/healthz"))
	require.Equal(t, "the disk is full\nsightings/3 stopped: why\n", get("/readyz"))
	status = http.StatusOK
	require.Equal(t, "ok\n", get("/livez"), "a restart fixes no full disk")
	problems, status = nil, http.StatusOK
	require.Equal(t, "ok\n", get("/healthz"))

	_, err = web.Listen(s.Addr(), r, &health)
	require.ErrorContains(t, err, "the port is taken")
	require.True(t, usage.Is(err))
	require.NoError(t, s.Close())
	_, err = http.Get("http://" + s.Addr() + "/healthz")
	require.Error(t, err)
}

func TestListenPprof_Loopback_ServesProfiles(t *testing.T) {
	s, err := web.ListenPprof("127.0.0.1:0")
	require.NoError(t, err)
	resp, err := http.Get("http://" + s.Addr() + "/debug/pprof/goroutine?debug=1")
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(b), "goroutine profile: total ")
	require.NoError(t, s.Close())
}

func TestListenPprof_OtherAddress_OneLine(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":6060", "192.0.2.1:6060", "[::]:0", "example.net:6060", "6060"} {
		_, err := web.ListenPprof(addr)
		require.True(t, usage.Is(err), addr)
		require.ErrorContains(t, err, "--pprof "+addr)
	}
}
