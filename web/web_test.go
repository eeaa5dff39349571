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
	r := web.NewRegistry()
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
	require.Equal(t, "ok\n", get("/healthz"))

	var problems []string
	health.Watch(func() []string { return problems })
	require.Equal(t, "ok\n", get("/healthz"))
	problems, status = []string{"the disk is full", "sightings/3 stopped: why"}, http.StatusServiceUnavailable
	require.Equal(t, "the disk is full\nsightings/3 stopped: why\n", get("/healthz"))
	problems, status = nil, http.StatusOK
	require.Equal(t, "ok\n", get("/healthz"))

	_, err = web.Listen(s.Addr(), r, &health)
	require.ErrorContains(t, err, "the port is taken")
	require.True(t, usage.Is(err))
	require.NoError(t, s.Close())
	_, err = http.Get("http://" + s.Addr() + "/healthz")
	require.Error(t, err)
}
