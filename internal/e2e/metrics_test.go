package e2e_test

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// awaitReady waits until /readyz of a process answers 200.
func awaitReady(t testing.TB, p *process, addr string) {
	t.Helper()
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, limit, 20*time.Millisecond, "%s", p.output)
}

// labels are those that our metrics may have. Each has few values: cameras, topics,
// partitions, tables, and words of a list.
var labels = []string{"api", "camera", "cluster", "le", "outcome", "partition", "reason", "receiver", "rule", "sent", "table", "topic", "version"}

// lint checks /metrics of a process by Prometheus' conventions and returns its families.
func lint(t *testing.T, addr string) map[string]*dto.MetricFamily {
	t.Helper()
	text := get(t, "http://"+addr+"/metrics")
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	require.NoError(t, err)
	require.Empty(t, problems)
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	require.NoError(t, err)
	for name, f := range families {
		if !strings.HasPrefix(name, "sightlog_") {
			continue
		}
		require.NotEmpty(t, f.GetHelp(), name)
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				require.True(t, slices.Contains(labels, l.GetName()), "%s has the label %s: has it few values?", name, l.GetName())
			}
		}
	}
	return families
}

// requireKnown compares the metrics of dashboard and alert rules with those that there are.
func requireKnown(t *testing.T, known map[string]*dto.MetricFamily) {
	t.Helper()
	seldom := []string{"sightlog_sink_dead_letters_total"} // shown from the first one on
	for _, file := range []string{"grafana/services.json", "prometheus/sightlog.rules.yml"} {
		b, err := os.ReadFile(filepath.Join(testenv.Root(), "deploy", file))
		require.NoError(t, err)
		names := regexp.MustCompile(`\bsightlog_[a-z_]+\b`).FindAllString(string(b), -1)
		require.Greater(t, len(names), 10)
		for _, name := range names {
			if !slices.Contains(seldom, name) {
				require.Contains(t, known, strings.TrimSuffix(name, "_bucket"), "%s asks for it", file)
			}
		}
	}
}

func TestMetrics_EachService_ReadyAndByPrometheusConventions(t *testing.T) {
	t.Parallel()
	addr := func() string { return testenv.FreeAddr(t) }
	dir, all, atBroker, atSink, atDetect, atServe := dataDir(t), addr(), addr(), addr(), addr(), addr()
	b := start(t, sightlogd, "broker", "--listen", "127.0.0.1:0", "--data", dir, "--metrics", atBroker)
	broker, _ := endpoints(t, dir, b)
	sink := start(t, sightlogd, "sink", "--brokers", broker, "--database-url", databaseURL(t), "--metrics", atSink)
	detect := start(t, sightlog, "detect", "--brokers", broker, "--source", "hall=test://people", "--metrics", atDetect)
	run := start(t, sightlog, "run", "--source", "yard=test://people", "--data", dataDir(t), "--metrics", all)
	serve := start(t, sightlogd, "serve", "--data", dataDir(t), "--database-url", databaseURL(t), "--metrics", atServe)
	known := make(map[string]*dto.MetricFamily)
	has := func(p *process, addr string, names ...string) {
		awaitReady(t, p, addr)
		require.Eventually(t, func() bool { // counters that begin with the first record
			text := get(t, "http://"+addr+"/metrics")
			return !slices.ContainsFunc(names, func(n string) bool { return !strings.Contains(text, "\n"+n) })
		}, limit, 20*time.Millisecond, "%s lacks one of %s", addr, names)
		families := lint(t, addr)
		require.Contains(t, families, "sightlog_build_info")
		maps.Copy(known, families)
		require.Equal(t, "ok\n", get(t, "http://"+addr+"/livez"))
	}
	atCameras := []string{
		"sightlog_detect_frames_total", "sightlog_detect_dropped_frames_total", "sightlog_detect_newest_frame_timestamp_seconds",
		"sightlog_detect_inference_seconds_bucket", "sightlog_detect_produce_seconds_bucket", "sightlog_detect_reconnects_total", "sightlog_detect_source_open",
	}
	atTables := []string{
		"sightlog_sink_commit_seconds_bucket", "sightlog_sink_end_to_end_seconds_bucket", "sightlog_sink_lag_records", "sightlog_lag_records",
		"sightlog_sink_partition_stopped", "sightlog_sink_partition_waiting", "sightlog_sink_rows_total",
	}
	has(b, atBroker, "sightlog_broker_journal_write_seconds_bucket", "sightlog_broker_storage_refusing")
	has(detect, atDetect, atCameras...)
	has(sink, atSink, atTables...)
	has(run, all, append(slices.Clone(atCameras), append(atTables, "sightlog_broker_log_bytes")...)...)
	has(serve, atServe, "sightlog_lag_records", "sightlog_broker_log_bytes")
	requireKnown(t, known)
	for _, p := range []*process{run, detect, sink, serve, b} {
		require.Zero(t, p.stop(t).code, p.output)
	}
}

func TestReadyz_SourceThatDoesNotOpen_NotReadyButAlive(t *testing.T) {
	t.Parallel()
	dir, addr := dataDir(t), testenv.FreeAddr(t)
	p := start(t, sightlog, "run", "--wait", "--source", "gate=rtsp://"+testenv.FreeAddr(t)+"/stream", "--data", dir, "--metrics", addr)
	awaitHealth(t, p, addr, http.StatusOK, "ok")
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + addr + "/readyz")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusServiceUnavailable
	}, limit, 20*time.Millisecond, "%s", p.output)
	require.Equal(t, "ok\n", get(t, "http://"+addr+"/livez"))
	p.stop(t)
}
