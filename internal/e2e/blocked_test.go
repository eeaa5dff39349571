package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
)

// A partition that only a user can set going is told, and a run over it fails,
// although the offsets alone would say that nothing is left to write.
func TestRun_PartitionStopped_ReportedAndFails(t *testing.T) {
	t.Parallel()
	dir, database, metrics := dataDir(t), databaseURL(t), testenv.FreeAddr(t)
	args := []string{"run", "--source", "door=test://people?size=64x64&people=1&frames=12", "--pace", "fast",
		"--data", dir, "--database-url", database, "--metrics", metrics}
	ok(t, sightlog, args...)
	conn, err := pgx.Connect(t.Context(), database)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "UPDATE sink_offsets SET next = 1000000 WHERE topic = 'sightings' AND next > 0")
	require.NoError(t, err)

	serve := start(t, sightlogd, "serve", "--data", dir, "--database-url", database, "--metrics", metrics)
	awaitHealth(t, serve, metrics, http.StatusServiceUnavailable, "stopped: the tables are at offset 1000000")
	resp, err := http.Get("http://" + metrics + "/metrics")
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Regexp(t, `(?m)^sightlog_lag_records (NaN|[1-9])`, string(body))
	require.Regexp(t, `(?m)^sightlog_sink_partition_stopped\{.*\} 1$`, string(body))
	require.Equal(t, 1, serve.stop(t).code, serve.output)
	require.Contains(t, serve.output.String(), "sightlogd: not all of the log is in the tables: sightings/")

	r := do(t, sightlog, args...)
	require.Equal(t, 1, r.code, "%s%s", r.stdout, r.stderr)
	require.Contains(t, r.stderr, "not all of the log is in the tables: sightings/")
	require.Contains(t, r.stderr, "stopped: the tables are at offset 1000000")
}

// A partition whose dead letter cannot be written waits, and everybody is told.
func TestServe_DeadLetterNotWritable_PartitionWaitsAndIsReported(t *testing.T) {
	t.Parallel()
	dir, database, metrics := dataDir(t), databaseURL(t), testenv.FreeAddr(t)
	serve := start(t, sightlogd, "serve", "--data", dir, "--database-url", database, "--metrics", metrics)
	addr, _ := endpoints(t, dir, serve)
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	require.NoError(t, err)
	defer cl.Close()
	one := "1"
	altered, err := kadm.NewClient(cl).AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Name: "max.message.bytes", Value: &one}}, kafka.DeadTopic(kafka.Sightings))
	require.NoError(t, err)
	require.NoError(t, altered[0].Err)
	require.NoError(t, cl.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.Sightings, Value: []byte("no sighting")}).FirstErr())
	awaitHealth(t, serve, metrics, http.StatusServiceUnavailable, "waiting: the dead letter of offset 0 cannot be written")
	shown := get(t, "http://"+metrics+"/metrics")
	require.Regexp(t, `(?m)^sightlog_sink_partition_waiting\{.*topic="sightings".*\} 1$`, shown)
	require.Regexp(t, `(?m)^sightlog_lag_records 1$`, shown)
	require.Zero(t, serve.stop(t).code, "the record stays in the log: %s", serve.output)
}

// A run that is interrupted says what it did, what is left, and how to go on.
func TestRun_Interrupted_ReportsHowToResume(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	args := []string{"run", "--source", "door=test://people?size=64x64&people=1&fps=25&frames=2000", "--data", dir}
	p := start(t, sightlog, args...)
	endpoints(t, dir, p)
	waitRows(t, dir, 10)
	r := p.stop(t)
	require.Zero(t, r.code, r.stdout)
	require.Contains(t, r.stdout, "sightings committed in")
	require.Regexp(t, `left to read: door \(\d+ of 2000 frames\); go on with: \S*sightlog run --source '`+
		strings.ReplaceAll(args[2], "?", `\?`)+`' --data `+dir+"\n", r.stdout)
}
