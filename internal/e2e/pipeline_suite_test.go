package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/pipeline"
	"github.com/sightlog/sightlog/sink"
)

// access is a way to a log: its name, which is that of its camera too, and its keys in a configuration file.
type access struct {
	name string
	keys map[string]any
}

// told runs the pipeline on the log, detect and sinks apart, and returns what the tables hold in the end: the
// same, whatever log it is. detect and a sink are killed on the way, a record that is no sighting comes in
// between, and the tables are built again from the log. before is how many accesses have written into this log and
// database already.
func (a access) told(t *testing.T, url string, before int) []string {
	t.Helper()
	file := a.file(t)
	detect := func(pace string, frames int) *process {
		source := fmt.Sprintf("%s=test://people?frames=%d&fps=10", a.name, frames)
		return start(t, sightlog, "detect", "--config", file, "--pace", pace, "--source", source)
	}
	sinks := func() *process { return start(t, sightlogd, "sink", "--config", file, "--database-url", url) }
	from := []string{"--database-url", url}
	const frames = 120
	d := detect("as-recorded", frames)
	a.await(t, "the topics", d, func() bool {
		return do(t, sightlogd, "topics", "describe", kafka.DeadTopic(kafka.SnapshotTopic), "--config", file).code == 0
	})
	s := sinks()
	stored := func() int {
		r := do(t, sightlogd, append([]string{"query", "sql", "--format", "csv", fmt.Sprintf("select count(*) from v_sightings where camera = '%s'", a.name)}, from...)...)
		var n int
		_, _ = fmt.Sscanf(r.stdout, "count\n%d", &n) // none before the sink has made the tables
		return n
	}
	a.await(t, "rows", s, func() bool { return stored() >= 20 })
	d.kill()
	s.kill()
	a.produce(t)
	s = sinks()
	d = detect("fast", frames)
	require.Zero(t, d.wait(t).code, "%s", d.output)
	a.await(t, "all rows", s, func() bool { return stored() == frames && a.caughtUp(t, url) })
	require.Contains(t, ok(t, sightlogd, "groups", "describe", "sightlog-sink", "--config", file, "--format", "csv"), "topic,partition,offset")
	require.Zero(t, s.stop(t).code, "%s", s.output)

	// The record that is no sighting is a dead letter.
	letters := before + before*(before+1)/2 // one of each access, and what each replay found until then
	dead := ok(t, sightlogd, "topics", "tail", "sightings.dead", "--beginning", "--count", strconv.Itoa(letters+1), "--config", file)
	require.Contains(t, dead, "no sighting of "+a.name)
	require.Contains(t, ok(t, sightlogd, "dead", "list", "--config", file), "sightings/")

	lines := a.rows(t, from)
	require.Contains(t, ok(t, sightlogd, "replay", "--config", file, "--database-url", url), "rebuilt")
	require.Equal(t, lines, a.rows(t, from), "the tables are built again from the log")
	return lines
}

// file writes the configuration: the way to the log, and the camera's line and zones.
func (a access) file(t *testing.T) string {
	t.Helper()
	keys := map[string]any{"start-timeout": "1m", "cameras": map[string]any{a.name: map[string]any{
		"zones": map[string]any{"left": [][]float64{{0, 0}, {0.5, 0}, {0.5, 1}, {0, 1}}},
		"lines": map[string]any{"middle": [][]float64{{0.5, 0}, {0.5, 1}}},
	}}}
	maps.Copy(keys, a.keys)
	text, err := json.Marshal(keys) // JSON is YAML
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "sightlog.yaml")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

func (a access) await(t *testing.T, what string, p *process, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); letPass(p, 50*time.Millisecond) {
		require.False(t, p.ended() && p.cmd.ProcessState.ExitCode() != 0, "%s: %s: it has ended\n%s", a.name, what, p.output)
		require.True(t, time.Now().Before(deadline), "%s: %s does not come\n%s", a.name, what, p.output)
	}
}

// client is one of this access.
func (a access) client(t *testing.T) *kgo.Client {
	t.Helper()
	text := func(key string) string { v, _ := a.keys[key].(string); return v }
	secured, _ := a.keys["tls"].(bool)
	brokers := strings.Split(text("brokers"), ",")
	c, err := pipeline.ClusterConfig(config.Cluster{
		Brokers: brokers, TLS: secured, TLSCA: text("tls-ca"), TLSCert: text("tls-cert"), TLSKey: text("tls-key"),
		SASL: text("sasl"), SASLUser: text("sasl-user"), SASLPassword: text("sasl-password"), SASLToken: text("sasl-token"), SASLScope: strings.Fields(text("sasl-scope")),
	}, nil)
	require.NoError(t, err)
	cl, err := c.Client()
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// produce writes a record that is no sighting.
func (a access) produce(t *testing.T) {
	t.Helper()
	junk := &kgo.Record{Topic: kafka.Sightings, Key: []byte(a.name), Value: []byte("no sighting of " + a.name)}
	require.NoError(t, a.client(t).ProduceSync(t.Context(), junk).FirstErr())
}

func (a access) caughtUp(t *testing.T, url string) bool {
	t.Helper()
	lag, err := sink.CaughtUp(t.Context(), a.client(t), pgtest.Pool(t, url), kafka.Topics()...)
	return err == nil && lag == 0
}

// rows are what the tables hold of the access's camera, without what a run has of its own, and without scores, whose
// last digit is not the same each time.
func (a access) rows(t *testing.T, from []string) (lines []string) {
	t.Helper()
	for _, sql := range []string{
		"select seq, people, dropped_before from v_sightings where camera = '%s' order by 1",
		"select seq, label, track_id, zones from v_detections where camera = '%s' order by 1, 3, 4",
		"select seq, line, direction, track_id, label from v_crossings where camera = '%s' order by 1, 2, 4",
		"select track_id, t.frames from tracks t join runs r on r.id = t.run_id join cameras c on c.id = r.camera_id where c.name = '%s' order by 1",
	} {
		for _, row := range rows(t, from, fmt.Sprintf(sql, a.name)) {
			b, err := json.Marshal(row)
			require.NoError(t, err)
			lines = append(lines, string(b))
		}
	}
	return lines
}
