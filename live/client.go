package live

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sightlog/sightlog/internal/backoff"
)

// Client has the pictures of detects in a Feed, for viewers. It asks for what they look at, and for
// nothing while nobody does.
type Client struct {
	Feed

	log *slog.Logger

	connsMu sync.Mutex // guards the following; taken while Feed's lock is held, never the opposite
	conns   map[*clientConn]struct{}
	wanted  Wants
	looked  chan struct{} // closed when somebody looks; then a new one
}

type clientConn struct {
	changed chan struct{} // capacity 1: the wants have changed; never closed; a second token is not needed
}

// NewClient returns a client without connections.
func NewClient(log *slog.Logger) *Client {
	c := &Client{log: log, conns: make(map[*clientConn]struct{}), looked: make(chan struct{})}
	c.Feed.Changed = c.ask
	return c
}

// ask has each connection send the new wants.
func (c *Client) ask(wants Wants) {
	c.connsMu.Lock()
	defer c.connsMu.Unlock()
	c.wanted = wants
	if len(wants) > 0 {
		close(c.looked)
		c.looked = make(chan struct{})
	}
	for conn := range c.conns {
		select {
		case conn.changed <- struct{}{}:
		default:
		}
	}
}

func (c *Client) wants() (Wants, <-chan struct{}) {
	c.connsMu.Lock()
	defer c.connsMu.Unlock()
	return c.wanted, c.looked
}

// lost are the words for cameras whose detect is gone.
const lost = "the process that reads it has ended or is starting"

// Attach takes the pictures of a detect from a connection, until that or ctx ends. It closes the
// connection. Its cameras count as lost then.
func (c *Client) Attach(ctx context.Context, conn net.Conn, token string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	cc := &clientConn{changed: make(chan struct{}, 1)}
	c.connsMu.Lock()
	c.conns[cc] = struct{}{}
	c.connsMu.Unlock()
	var sent sync.WaitGroup
	sent.Go(func() {
		defer conn.Close()
		for {
			wants, _ := c.wants()
			_ = conn.SetWriteDeadline(time.Now().Add(writeLimit))
			if sendWish(conn, token, wants) != nil {
				return
			}
			select {
			case <-cc.changed:
			case <-ctx.Done():
				return
			}
		}
	})
	mine := make(map[string]Camera)
	err := c.read(conn, mine)
	cancel()
	sent.Wait()
	c.connsMu.Lock()
	delete(c.conns, cc)
	c.connsMu.Unlock()
	var gone []Camera
	for _, cam := range mine {
		if cam.State != "ended" {
			cam.State, cam.Problem, cam.People, cam.FPS = "lost", lost, 0, 0
			gone = append(gone, cam)
		}
	}
	c.States(gone)
	return err
}

func (c *Client) read(conn net.Conn, mine map[string]Camera) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	for {
		part, err := ReadPart(r)
		if err != nil {
			return err
		}
		if part.Picture != nil {
			c.Publish(part.Picture)
			continue
		}
		for _, cam := range part.Status.Cameras {
			mine[cam.ID] = cam
		}
		c.States(part.Status.Cameras)
	}
}

// dialPauses are those between tries to connect, while somebody looks.
var dialPauses = backoff.Policy{First: 250 * time.Millisecond, Limit: 5 * time.Second}

// Dial connects to a detect that listens at an address, HOST:PORT or the path of a socket, whenever
// somebody looks, until ctx ends.
func (c *Client) Dial(ctx context.Context, addr, token string) {
	failed := 0
	for {
		wants, looked := c.wants()
		if len(wants) == 0 {
			select {
			case <-looked:
				continue
			case <-ctx.Done():
				return
			}
		}
		var d net.Dialer
		conn, err := d.DialContext(ctx, network(addr), addr)
		if err == nil {
			began := time.Now()
			if err = c.Attach(ctx, conn, token); time.Since(began) > dialPauses.Limit {
				failed = 0
			}
		}
		failed++
		if ctx.Err() == nil && !errors.Is(err, context.Canceled) {
			c.log.Info("no live pictures, trying again", "addr", addr, "err", err)
		}
		if dialPauses.Wait(ctx, failed) != nil {
			return
		}
	}
}

// DialAll calls Dial for each address, until ctx ends or the returned function is called, which waits.
func (c *Client) DialAll(ctx context.Context, addrs []string, token string) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	for _, addr := range addrs {
		all.Go(func() { c.Dial(ctx, addr, token) })
	}
	return func() { cancel(); all.Wait() }
}

// network returns that of an address: a path is a Unix socket.
func network(addr string) string {
	if strings.Contains(addr, "/") {
		return "unix"
	}
	return "tcp"
}

// Known returns the names of the cameras that were heard of.
func (c *Client) Known() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var ids []string
	for id := range c.cameras {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
