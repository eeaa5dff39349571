package broker

import (
	"context"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/group"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// api is an API of the protocol, in the versions that are served. Each stands as one
// value in the file of its handler, and once in the list of apis. A request is checked
// against the schema before it is decoded.
type api struct {
	key, min, max int16
	handler       handler
	schema        wire.Schema
}

// handler does what has to happen in a connection's order. It runs in the
// connection's reader, so it must not wait for long.
type handler func(*Broker, *caller, kmsg.Request) reply

// reply returns the response: see wire.Reply.
type reply = wire.Reply

// immediate returns a reply that does not wait.
func immediate(r kmsg.Response) reply { return func() kmsg.Response { return r } }

// caller is the sender of a request.
type caller struct {
	ctx      context.Context
	conn     *wire.Conn
	auth     *auth.Session // of the connection
	clientID string
}

// handle is the handler of a function that answers at once.
func handle[R kmsg.Request](f func(*Broker, *caller, R) kmsg.Response) handler {
	return func(b *Broker, c *caller, req kmsg.Request) reply { return immediate(f(b, c, req.(R))) }
}

// handleDeferred is the handler of a function whose answer may wait.
func handleDeferred[R kmsg.Request](f func(*Broker, *caller, R) reply) handler {
	return func(b *Broker, c *caller, req kmsg.Request) reply { return f(b, c, req.(R)) }
}

// user returns the name of the caller.
func (c *caller) user() string { return c.auth.User() }

// host returns the caller's address as groups describe it.
func (c *caller) host() string { return c.conn.Host() }

// client is the caller as groups know it.
func (c *caller) client() group.Client { return group.Client{ID: c.clientID, Host: c.host()} }
