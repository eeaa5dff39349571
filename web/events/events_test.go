package events

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/brokertest"
	"github.com/sightlog/sightlog/kafka"
)

// rig is a broker with the topics, and a hub with a server on it.
type rig struct {
	config   kafka.Config
	producer *kgo.Client
	hub      *Hub
	url      string
}

func newRig(t *testing.T, sources ...Source) *rig {
	t.Helper()
	r := &rig{config: kafka.Config{Brokers: []string{brokertest.Start(t).Addr()}}}
	admin, err := r.config.Client()
	require.NoError(t, err)
	require.NoError(t, kafka.EnsureTopics(t.Context(), admin, 3))
	admin.Close()
	r.producer, err = r.config.Client()
	require.NoError(t, err)
	t.Cleanup(r.producer.Close)
	r.hub = NewHub(r.config, slog.New(slog.DiscardHandler), sources...)
	mux := http.NewServeMux()
	rt := r.hub.Route()
	mux.Handle(rt.Pattern, rt.Handler)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(r.hub.Close)
	r.url = s.URL + "/api/v1/events"
	return r
}

// produce appends records of a camera to a topic, and waits until they are in the log.
func (r *rig) produce(t *testing.T, topic, camera string, values ...string) {
	t.Helper()
	for _, v := range values {
		require.NoError(t, r.producer.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte(camera), Value: []byte(v)}).FirstErr())
	}
}

// client reads a response of events.
type client struct {
	lines *bufio.Scanner
	gone  context.CancelFunc
	id    string // of the last event
}

// listen opens a response and reads its first event, which says where it begins.
func (r *rig) listen(t *testing.T, query, id string) (c *client, first string) {
	t.Helper()
	ctx, gone := context.WithCancel(t.Context())
	t.Cleanup(gone)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+query, nil)
	require.NoError(t, err)
	if id != "" {
		req.Header.Set("Last-Event-ID", id)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	c = &client{lines: bufio.NewScanner(resp.Body), gone: gone}
	c.lines.Buffer(nil, 1<<20)
	return c, c.next(t)
}

// next reads an event: its kind and its data.
func (c *client) next(t *testing.T) string {
	t.Helper()
	var kind string
	var data []string
	for c.lines.Scan() {
		name, value, _ := strings.Cut(c.lines.Text(), ": ")
		switch name {
		case "id":
			c.id = value
		case "event":
			kind = value
		case "data":
			data = append(data, value)
		case "":
			if kind != "" {
				return kind + " " + strings.Join(data, "\n")
			}
		}
	}
	require.NoError(t, c.lines.Err())
	return ""
}

func TestEvents_RecordsOfTheTopics_OfTheKindsAndCamerasAskedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all, first := r.listen(t, "", "")
	require.Equal(t, "position {}", first)
	some, _ := r.listen(t, "?kind=crossing&kind=visit&camera=porch", "")
	r.produce(t, kafka.Sightings, "porch", `{"seq":1}`)
	require.Equal(t, `sighting {"seq":1}`, all.next(t))
	r.produce(t, kafka.Crossings, "yard", `{"line":"gate"}`)
	require.Equal(t, `crossing {"line":"gate"}`, all.next(t))
	r.produce(t, kafka.Visits, "porch", "{\n\"zone\":\r\n\"door\"}")
	require.Equal(t, "visit {\n\"zone\":\n\"door\"}", all.next(t))
	require.Equal(t, "visit {\n\"zone\":\n\"door\"}", some.next(t), "the first that it asked for")
}

// Who comes again gets what it has missed, once and in the order of each camera, and then what happens.
func TestEvents_LastEventID_MissedOnesOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, _ := r.listen(t, "", "")
	r.produce(t, kafka.Sightings, "porch", "1")
	require.Equal(t, "sighting 1", c.next(t))
	c.gone()
	r.produce(t, kafka.Sightings, "porch", "2", "3")
	r.produce(t, kafka.Sightings, "yard", "other")
	r.produce(t, kafka.Sightings, "porch", "4")

	again, event := r.listen(t, "?camera=porch", c.id)
	for _, want := range []string{"sighting 2", "sighting 3", "sighting 4", "position {}"} {
		require.Equal(t, want, event)
		if event != "position {}" {
			event = again.next(t)
		}
	}
	r.produce(t, kafka.Sightings, "porch", "5")
	require.Equal(t, "sighting 5", again.next(t))

	// An id in the middle of what was missed goes on from there.
	again.gone()
	middle, event := r.listen(t, "?camera=porch", c.id)
	require.Equal(t, "sighting 2", event)
	rest, event := r.listen(t, "?camera=porch", middle.id)
	require.Equal(t, "sighting 3", event)
	require.Equal(t, "sighting 4", rest.next(t))
}

// Records of a transaction that was aborted are no events.
func TestEvents_AbortedTransaction_NoEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, _ := r.listen(t, "", "")
	p, err := r.config.Client(kgo.TransactionalID("t"))
	require.NoError(t, err)
	defer p.Close()
	for _, commit := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} {
		require.NoError(t, p.BeginTransaction())
		require.NoError(t, p.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.Sightings, Key: []byte("porch"), Value: fmt.Append(nil, bool(commit))}).FirstErr())
		require.NoError(t, p.EndTransaction(t.Context(), commit))
	}
	require.Equal(t, "sighting true", c.next(t))
	c.gone()
	again, event := r.listen(t, "", position{{0, 0, 0}, {0, 0, 0}, {0, 0, 0}}.String())
	require.Equal(t, "sighting true", event)
	require.Equal(t, "position {}", again.next(t))
}

func TestEvents_PositionOfAnotherLog_Gap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, id := range map[string]string{
		"beyond the end":   position{{9, 9, 9}, {0, 0, 0}, {0, 0, 0}}.String(),
		"other partitions": position{{0}, {0}, {0}}.String(),
		"no position":      "<script>",
	} {
		c, first := r.listen(t, "", id)
		require.Contains(t, first, "gap {", name)
		r.produce(t, kafka.Sightings, "porch", name)
		require.Equal(t, "sighting "+name, c.next(t))
		c.gone()
	}
}

// A listener that does not read is dropped, and says so; the others get everything.
func TestHub_ListenerThatDoesNotRead_DroppedAndNoBrake(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	slow, _, err := r.hub.join(t.Context(), filter{})
	require.NoError(t, err)
	defer r.hub.leave(slow)
	quick, _, err := r.hub.join(t.Context(), filter{})
	require.NoError(t, err)
	defer r.hub.leave(quick)
	for i := range queue + 10 {
		r.hub.publish(Source{Kind: "status"}, "porch", i)
		require.Equal(t, fmt.Sprint(i), string((<-quick.queue).data))
	}
	w := httptest.NewRecorder()
	slow.forward(t.Context(), &stream{w: w, c: http.NewResponseController(w)})
	require.Equal(t, queue, strings.Count(w.Body.String(), "event: status\n"))
	require.True(t, strings.HasSuffix(w.Body.String(), "event: dropped\ndata: {\"detail\":\"the client reads too slowly\"}\n\n"))
}

// Tail and sources run while somebody listens, and not after.
func TestHub_NobodyListens_NothingRuns(t *testing.T) {
	started, ended := make(chan struct{}, 2), make(chan struct{}, 2)
	r := newRig(t, Source{Kind: "health", Run: func(ctx context.Context, publish func(string, any)) {
		started <- struct{}{}
		publish("", []string{"the disk is full"})
		<-ctx.Done()
		ended <- struct{}{}
	}})
	require.Empty(t, started)
	for range 2 {
		c, _ := r.listen(t, "?kind=health", "")
		<-started
		c.gone()
		<-ended
	}
	r.hub.Close()
	require.Nil(t, r.hub.end)
	_, _, err := r.hub.join(t.Context(), filter{})
	require.ErrorIs(t, err, errClosed)
}

// A value is sent to who begins to listen, and when it has changed.
func TestChanges_Value_AtOnceAndWhenItChanges(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	r := newRig(t, Changes("health", func() any { return n.Load() }))
	first, _ := r.listen(t, "?kind=health", "")
	require.Equal(t, "health 0", first.next(t))
	second, _ := r.listen(t, "?kind=health", "")
	require.Equal(t, "health 0", second.next(t), "it has not changed since")
	n.Store(1)
	require.Equal(t, "health 1", first.next(t))
	require.Equal(t, "health 1", second.next(t))
}

func TestHub_LogAway_ServiceUnavailable(t *testing.T) {
	t.Parallel()
	h := NewHub(kafka.Config{Brokers: []string{"127.0.0.1:1"}}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := h.join(ctx, filter{})
	require.ErrorIs(t, err, errNoLog)
}

func FuzzParsePosition(f *testing.F) {
	f.Add(position{{1, 2}, {3}, {}}.String())
	f.Add("")
	f.Add("____________________")
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := parsePosition(text)
		if !ok {
			return
		}
		again, ok := parsePosition(p.String())
		require.True(t, ok)
		require.Equal(t, p, again)
	})
}
