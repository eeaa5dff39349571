package broker

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/broker/internal/group"
)

// immediate returns a reply that does not wait.
func immediate(r kmsg.Response) reply { return func() kmsg.Response { return r } }

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
