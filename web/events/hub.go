package events

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/web/answer"
)

// Limits.
const (
	queue        = 512 // events that wait for a listener's response
	maxListeners = 256
)

// Source is something that happens outside the log. Run is called when somebody begins to
// listen and calls publish until ctx ends, when nobody does any more.
type Source struct {
	Kind   string
	Latest bool // who begins to listen gets the newest one at once
	Run    func(ctx context.Context, publish func(camera string, data any))
}

// Hub has the listeners. It may be used concurrently.
type Hub struct {
	kafka   kafka.Config
	sources []Source
	log     *slog.Logger

	turn   sync.Mutex // held while a listener comes or goes; taken before mu
	end    context.CancelFunc
	ended  sync.WaitGroup // of the tail and the sources
	closed bool

	mu        sync.Mutex // guards the following
	listeners map[*listener]bool
	at        position
	latest    map[string]event // by kind, of sources that have Latest
}

// NewHub returns a hub of a log. Close ends it.
func NewHub(c kafka.Config, log *slog.Logger, sources ...Source) *Hub {
	return &Hub{kafka: c, sources: sources, log: log, listeners: make(map[*listener]bool)}
}

// listener is one response. Its events are sent to queue, which the hub closes when it was
// full; lost is set before.
type listener struct {
	filter
	queue chan event // capacity: queue
	lost  bool
}

// filter narrows the events of a listener; an empty set is all.
type filter struct{ kinds, cameras map[string]bool }

func (f filter) takes(kind, camera string) bool {
	return (len(f.kinds) == 0 || f.kinds[kind]) && (len(f.cameras) == 0 || camera == "" || f.cameras[camera])
}

var (
	errFull   = answer.Refuse(503, "too many listen to the events", "ask again later")
	errNoLog  = &answer.Refusal{Status: 503, Detail: "the log cannot be reached", Hint: "ask again", After: 5}
	errClosed = &answer.Refusal{Status: 503, Detail: "sightlog is stopping", After: 5}
)

// join adds a listener, and returns the position from which it gets events. The first one
// starts the tail.
func (h *Hub) join(ctx context.Context, f filter) (*listener, position, error) {
	h.turn.Lock()
	defer h.turn.Unlock()
	switch {
	case h.closed:
		return nil, nil, errClosed
	case h.end == nil:
		if err := h.start(ctx); err != nil {
			h.log.Warn("the events cannot be read", "err", err)
			return nil, nil, errors.Join(errNoLog, err)
		}
	}
	l := &listener{filter: f, queue: make(chan event, queue)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) >= maxListeners {
		return nil, nil, errFull
	}
	h.listeners[l] = true
	for _, e := range h.latest { // fewer than the queue holds
		if l.takes(e.kind, e.camera) {
			l.queue <- e
		}
	}
	return l, h.at.clone(), nil
}

// leave removes a listener. The last one ends the tail, and waits for it.
func (h *Hub) leave(l *listener) {
	h.turn.Lock()
	defer h.turn.Unlock()
	h.mu.Lock()
	delete(h.listeners, l)
	nobody := len(h.listeners) == 0
	h.mu.Unlock()
	if nobody {
		h.stop()
	}
}

// Close ends the tail and every response.
func (h *Hub) Close() {
	h.turn.Lock()
	defer h.turn.Unlock()
	h.closed = true
	h.stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		close(l.queue)
		delete(h.listeners, l)
	}
}

// start starts the tail and the sources. turn is held.
func (h *Hub) start(ctx context.Context) error {
	tail, err := openTail(ctx, h.kafka)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.at, h.latest = tail.from, make(map[string]event)
	h.mu.Unlock()
	running, end := context.WithCancel(context.Background())
	h.end = end
	h.ended.Go(func() { tail.run(running, h.log, h.record) })
	for _, s := range h.sources {
		h.ended.Go(func() { s.Run(running, func(camera string, data any) { h.publish(s, camera, data) }) })
	}
	return nil
}

// stop ends what start started. turn is held.
func (h *Hub) stop() {
	if h.end != nil {
		h.end()
		h.ended.Wait()
		h.end = nil
	}
}

// publish sends an event that is not of the log.
func (h *Hub) publish(s Source, camera string, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		h.log.Error("an event cannot be written", "kind", s.Kind, "err", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	e := event{kind: s.Kind, camera: camera, data: b}
	if s.Latest {
		h.latest[s.Kind] = e
	}
	h.send(e)
}

// record sends the event of a record, which has an offset.
func (h *Hub) record(e event, topic int, partition int32, offset int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at.advance(topic, partition, offset+1)
	e.id = h.at.String()
	h.send(e)
}

// send hands an event to those who listen to it. mu is held.
func (h *Hub) send(e event) {
	for l := range h.listeners {
		if !l.takes(e.kind, e.camera) {
			continue
		}
		select {
		case l.queue <- e:
		default:
			l.lost = true
			close(l.queue)
			delete(h.listeners, l)
		}
	}
}
