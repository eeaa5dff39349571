package kafkatools_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// Connect, distributed: a sink writes the sightings into a file, and a source with exactly-once support reads a file
// into a topic. The worker is killed on the way.
func TestConnect_FileSinkAndExactlyOnceSource_AllOnce(t *testing.T) {
	t.Parallel()
	needAll(t)
	jars := kafkatest.ClassPath(t)
	onBoth(t, func(w *world) {
		w.topics("lines")
		runs := w.film(0, 50)
		dir := w.TempDir()
		from, to := filepath.Join(dir, "from.txt"), filepath.Join(dir, "sightings.txt")
		var lines []string
		for n := range 20_000 {
			lines = append(lines, fmt.Sprintf("line %d", n))
		}
		require.NoError(w, os.WriteFile(from, []byte(strings.Join(lines[:10_000], "\n")+"\n"), 0o600))
		c := w.connect(jars)
		c.put("sink", map[string]string{
			"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "topics": "sightings", "file": to, "tasks.max": "1",
		})
		c.put("source", map[string]string{
			"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "topic": "lines", "file": from, "tasks.max": "1",
			"exactly.once.support": "required", "batch.size": "100",
		})
		w.await("lines", 1, c.program)
		c.kill()
		f, err := os.OpenFile(from, os.O_APPEND|os.O_WRONLY, 0)
		require.NoError(w, err)
		_, err = f.WriteString(strings.Join(lines[10_000:], "\n") + "\n")
		require.NoError(w, err)
		require.NoError(w, f.Close())
		c.start()
		w.await("lines", len(lines), c.program)
		var got []string
		for _, r := range w.read("lines") {
			got = append(got, string(r.Value))
		}
		slices.Sort(got) // the source knows no key: partitions have their own order
		slices.Sort(lines)
		require.Equal(w, lines, got, "each line of the file once")

		want := map[string]bool{}
		for camera, run := range runs {
			for n := range int64(50) {
				want[event.MakeEventID(camera, run, n)] = true
			}
		}
		written := func() map[string]bool {
			ids := map[string]bool{}
			text, _ := os.ReadFile(to) // none yet
			for line := range strings.Lines(string(text)) {
				if s, err := event.DecodeSighting([]byte(line)); err == nil { // a killed worker leaves half a line
					ids[s.EventID] = true
				}
			}
			return ids
		}
		for deadline := time.Now().Add(limit); len(written()) < len(want); w.pause() {
			require.True(w, time.Now().Before(deadline), "%d of %d sightings are in the file", len(written()), len(want))
		}
		require.Equal(w, want, written(), "each sighting at least once, as a file sink promises")
		c.stop()
	})
}

// worker is a Connect worker with its REST address.
type worker struct {
	*program
	url string
}

func (w *world) connect(jars string) worker {
	w.Helper()
	addr := testenv.FreeAddr(w.T)
	file := filepath.Join(w.TempDir(), "worker.properties")
	const converter = "org.apache.kafka.connect.storage.StringConverter"
	text := strings.Join([]string{
		"bootstrap.servers=" + w.addr, "group.id=connect-of-test", "listeners=http://" + addr,
		"key.converter=" + converter, "value.converter=" + converter,
		"config.storage.topic=connect-configs", "config.storage.replication.factor=1",
		"offset.storage.topic=connect-offsets", "offset.storage.replication.factor=1", "offset.storage.partitions=3",
		"status.storage.topic=connect-status", "status.storage.replication.factor=1", "status.storage.partitions=3",
		"exactly.once.source.support=enabled", "offset.flush.interval.ms=500",
		"session.timeout.ms=6000", "heartbeat.interval.ms=1000", "scheduled.rebalance.max.delay.ms=500",
		"consumer.auto.offset.reset=earliest", "plugin.discovery=service_load",
	}, "\n")
	require.NoError(w, os.WriteFile(file, []byte(text+"\n"), 0o600))
	c := worker{java(w.T, jars, "org.apache.kafka.connect.cli.ConnectDistributed", file), "http://" + addr + "/connectors/"}
	return c
}

// put configures a connector, once the worker answers.
func (c worker) put(name string, settings map[string]string) {
	c.t.Helper()
	body, err := json.Marshal(settings)
	require.NoError(c.t, err)
	var answer string
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPut, c.url+name+"/config", bytes.NewReader(body))
		require.NoError(c.t, err)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			answer = err.Error()
			select {
			case <-time.After(200 * time.Millisecond):
			case <-c.t.Context().Done():
			}
			continue
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if answer = string(text); resp.StatusCode == http.StatusCreated {
			return
		}
		require.NotEqual(c.t, http.StatusBadRequest, resp.StatusCode, answer)
	}
	require.FailNow(c.t, "the worker takes no connector", "%s\n%s", answer, c.program)
}
