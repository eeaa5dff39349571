package e2e_test

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sightlog/sightlog/internal/testenv"
)

// otlpReceiver is a collector of OTLP over HTTP. It has the spans by trace and name.
type otlpReceiver struct {
	url string

	mu     sync.Mutex // guards the following
	traces map[string]map[string]*otlp.Span
}

func newOTLPReceiver(t *testing.T) *otlpReceiver {
	t.Helper()
	c := &otlpReceiver{traces: make(map[string]map[string]*otlp.Span)}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *otlpReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var req collector.ExportTraceServiceRequest
	b, err := io.ReadAll(r.Body)
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(b, &req) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range req.GetResourceSpans() {
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				id := hex.EncodeToString(s.GetTraceId())
				if c.traces[id] == nil {
					c.traces[id] = make(map[string]*otlp.Span)
				}
				c.traces[id][s.GetName()] = s
			}
		}
	}
}

// whole returns a trace that has the spans of these names, nil if there is none yet.
func (c *otlpReceiver) whole(names ...string) (id string, spans map[string]*otlp.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, spans := range c.traces {
		n := 0
		for _, name := range names {
			if spans[name] != nil {
				n++
			}
		}
		if n == len(names) {
			return id, spans
		}
	}
	return "", nil
}

func TestRun_OTLPEndpoint_OneTraceFromFrameToCommit(t *testing.T) {
	t.Parallel()
	c, dir, addr := newOTLPReceiver(t), dataDir(t), testenv.FreeAddr(t)
	p := start(t, sightlog, "run", "--source", "yard=test://people", "--data", dir, "--metrics", addr, "--web", "off",
		"--otlp-endpoint", c.url, "--trace-sample", "1")
	var id string
	var spans map[string]*otlp.Span
	require.Eventually(t, func() bool {
		id, spans = c.whole("frame", "decode", "infer", "sightings send", "sightings commit")
		return spans != nil
	}, limit, 20*time.Millisecond, "%s", p.output)

	frame, send, commit := spans["frame"], spans["sightings send"], spans["sightings commit"]
	require.Empty(t, frame.GetParentSpanId())
	for name, parent := range map[string]*otlp.Span{"decode": frame, "infer": frame, "sightings send": frame, "sightings commit": send} {
		require.Equal(t, parent.GetSpanId(), spans[name].GetParentSpanId(), name)
	}
	require.Equal(t, otlp.Span_SPAN_KIND_PRODUCER, send.GetKind())
	require.Equal(t, otlp.Span_SPAN_KIND_CONSUMER, commit.GetKind())
	require.Equal(t, frame.GetStartTimeUnixNano(), spans["decode"].GetStartTimeUnixNano())
	require.Equal(t, spans["decode"].GetEndTimeUnixNano(), spans["infer"].GetStartTimeUnixNano())
	require.LessOrEqual(t, spans["infer"].GetEndTimeUnixNano(), send.GetStartTimeUnixNano())
	require.LessOrEqual(t, send.GetStartTimeUnixNano(), commit.GetStartTimeUnixNano(), "nothing is fetched before it is produced")
	require.Less(t, commit.GetStartTimeUnixNano(), commit.GetEndTimeUnixNano())

	var seq int64
	for _, a := range frame.GetAttributes() {
		if a.GetKey() == "sightlog.seq" {
			seq = a.GetValue().GetIntValue()
		}
	}
	grabbed := fmt.Sprintf("select count(*) from sightings where seq = %d and round(extract(epoch from grabbed_at) * 1e6) = %d", seq, frame.GetStartTimeUnixNano()/1000)
	require.Equal(t, 1, number(t, []string{"--data", dir}, grabbed), "the frame's span begins when its row says that it was grabbed")

	req, err := http.NewRequest(http.MethodGet, "http://"+addr+"/metrics", http.NoBody)
	require.NoError(t, err)
	req.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	for _, name := range []string{"sightlog_sink_end_to_end_seconds", "sightlog_sink_commit_seconds", "sightlog_detect_inference_seconds", "sightlog_detect_produce_seconds"} {
		require.Regexp(t, `(?m)^`+name+`_bucket\{.*# \{trace_id="[0-9a-f]{32}"\}`, string(b), "an exemplar")
	}
	require.Len(t, id, 32)
	require.Zero(t, p.stop(t).code, p.output)
}

// A collector that is away costs a line, and neither frames nor the stop.
func TestRun_CollectorAway_RowsAndStopAsUsual(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	r := do(t, sightlog, "run", "--source", testenv.Data(t, "video/vtest.avi"), "--data", dir, "--pace", "fast", "--web", "off",
		"--otlp-endpoint", "http://user:secret@"+testenv.FreeAddr(t), "--trace-sample", "0.1")
	require.Zero(t, r.code, r.stderr)
	require.Equal(t, vtestFrames, number(t, []string{"--data", dir}, "select count(*) from sightings"))
	require.NotContains(t, strings.ToLower(r.stderr), "secret")
}
