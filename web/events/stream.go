package events

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/sightlog/sightlog/web/answer"
	"github.com/sightlog/sightlog/web/route"
)

// heartbeat is how often a line is sent where nothing happens, so that neither side takes the
// connection for dead.
const heartbeat = 15 * time.Second

// kinds are those that a listener may ask for.
var kinds = []string{"sighting", "crossing", "visit", "alarm", "health", "status"}

// Route returns the route of the events.
func (h *Hub) Route() route.Route {
	camera := answer.Camera
	camera.Repeated, camera.Help = true, "Only of these cameras."
	doc := route.Doc{
		Summary: "What happens, as server-sent events, until one of the two ends.",
		Help: "The data of sighting, crossing and visit is that of the topics; alarm, health and status are of the present. " +
			"With the header Last-Event-ID, which browsers send by themselves, events of the topics go on after that one. " +
			"gap: what was missed cannot be sent again. dropped: the client reads too slowly, and the response ends.",
		Params:  []route.Param{{Name: "kind", Type: "", Enum: kinds, Repeated: true, Help: "Only of these kinds."}, camera},
		Answers: []route.Answer{{Media: []string{"text/event-stream"}, Help: "The events."}},
	}
	return route.Route{
		Pattern: "GET /api/v1/events", Role: route.Reader, Stream: true, Doc: &doc,
		Handler: answer.Checked(doc.Params, h.serve),
	}
}

func (h *Hub) serve(w http.ResponseWriter, r *http.Request, v answer.Values) error {
	f := filter{kinds: set(v.All("kind")), cameras: set(v.All("camera"))}
	l, from, err := h.join(r.Context(), f)
	if err != nil {
		return err
	}
	defer h.leave(l)
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // proxies hold nothing back
	out := &stream{w: w, c: http.NewResponseController(w)}
	// An error of writing is a client that has gone, or does not read.
	if out.raw(": events of sightlog\nretry: 2000\n\n") == nil && h.resume(r.Context(), out, f, r.Header.Get("Last-Event-ID"), from) == nil {
		l.forward(r.Context(), out)
	}
	return nil
}

func set(names []string) map[string]bool {
	s := make(map[string]bool)
	for _, n := range names {
		s[n] = true
	}
	return s
}

// resume sends the events after the one with an id, up to a position, or else the position, so
// that the client has an id to come again with.
func (h *Hub) resume(ctx context.Context, out *stream, f filter, id string, until position) error {
	now := event{kind: "position", data: []byte("{}"), id: until.String()}
	if id == "" {
		return out.event(now)
	}
	since, ok := parsePosition(id)
	err := errGap
	if ok {
		err = missed(ctx, h.kafka, since, until, func(e event) error {
			if !f.takes(e.kind, e.camera) {
				return nil
			}
			return out.event(e)
		})
	}
	switch {
	case out.err != nil:
		return out.err
	case err == nil:
		return out.event(now)
	case !errors.Is(err, errGap):
		h.log.Warn("events cannot be sent again", "err", err)
	}
	return out.event(event{kind: "gap", data: []byte(`{"detail":"what happened since the last event cannot be sent again"}`), id: now.id})
}

// forward sends the events of the queue until ctx ends, the client has gone, or the hub has
// closed the queue.
func (l *listener) forward(ctx context.Context, out *stream) {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-beat.C:
			err = out.raw(": \n\n")
		case e, open := <-l.queue:
			if !open {
				if l.lost {
					_ = out.event(event{kind: "dropped", data: []byte(`{"detail":"the client reads too slowly"}`)})
				}
				return
			}
			err = out.event(e)
		}
		if err != nil {
			return
		}
	}
}

// stream is a response of events. Its first error stays.
type stream struct {
	w   http.ResponseWriter
	c   *http.ResponseController
	b   []byte
	err error
}

func (s *stream) raw(text string) error { return s.write([]byte(text)) }

func (s *stream) write(b []byte) error {
	if _, s.err = s.w.Write(b); s.err == nil {
		s.err = s.c.Flush()
	}
	return s.err
}

// event writes one event. A line break in its data begins another line of data.
func (s *stream) event(e event) error {
	b := s.b[:0]
	if e.id != "" {
		b = append(append(append(b, "id: "...), e.id...), '\n')
	}
	b = append(append(append(b, "event: "...), e.kind...), '\n')
	for line := range bytes.Lines(normal(e.data)) {
		b = append(append(append(b, "data: "...), bytes.TrimSuffix(line, []byte("\n"))...), '\n')
	}
	s.b = append(b, '\n')
	return s.write(s.b)
}

// normal returns data whose line breaks are all \n.
func normal(data []byte) []byte {
	if !slices.Contains(data, '\r') {
		return data
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
}
