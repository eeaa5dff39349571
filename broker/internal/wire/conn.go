package wire

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Options are what the connections of one server share.
type Options struct {
	Requests     *Budget       // memory of requests that are read and served
	BodyGrace    time.Duration // that each step of a request may take, beside its rate
	WriteTimeout time.Duration // that each step of a response may take
	Log          *slog.Logger
}

// Handler serves the requests of one connection. The connection's reader calls it, for
// one request after the other.
type Handler interface {
	// MaxRequestSize returns the size of the largest request with this key that the client
	// may send now.
	MaxRequestSize(key int16) int
	// Handle decodes a request and does what has to happen in the connection's order.
	// The bytes are valid until the reply was written. An error ends the connection.
	Handle(request []byte) (Pending, error)
}

// Reply returns the response. The connection's writer calls it; it may wait, but not
// beyond the end of the connection's context. After nil nothing is sent.
type Reply func() kmsg.Response

// Pending is a request whose response is due.
type Pending struct {
	Correlation int32
	Flexible    bool // the response's header has tagged fields
	Reply       Reply

	release func() // gives the request's memory back
}

// Pooled is a response whose memory is reused.
type Pooled interface {
	kmsg.Response
	Size() int // no fewer bytes than it is encoded into
	Encoded()  // is called when the response was encoded
	Done()     // is called when it was written or discarded
}

// Conn is a client's connection. Its reader, the goroutine of Serve, reads requests
// and has them handled; its writer calls their replies, one after the other, and
// writes the responses.
type Conn struct {
	opt    *Options
	nc     net.Conn
	ctx    context.Context // ends when the client has gone or the server stops
	cancel context.CancelFunc
	host   string

	stopBy time.Time // by when the last responses have to be written; the writer's

	mutedUntil atomic.Int64 // Unix time in ns until which the reader serves no request

	// replies has capacity maxPipelined. The reader sends to it and closes it; when it
	// is full the reader stops reading.
	replies chan Pending
}

// maxPipelined is the number of requests of one connection that may wait for their
// responses.
const maxPipelined = 64

// A request's body is read in steps, because it holds a part of the memory that all
// connections share. Each step has Options.BodyGrace and the time that it takes at
// bodyRate. A request that holds the reserve, for which others wait, has to be faster.
const (
	bodyRate    = 64 << 10 // bytes a second
	reserveRate = 1 << 20
	firstStep   = 64 << 10 // bytes; each later step makes the body eight times as large
)

// writeStep is the part of a response, in bytes, that a client has
// Options.WriteTimeout to take: until then it holds the response's memory.
const writeStep = 1 << 20

// readBuffer holds a small request, so that it takes one system call; the body of a
// large one is not copied through it.
const readBuffer = 8 << 10

// lastWrite is the time in which a client has to take its last responses when the
// server stops.
const lastWrite = 5 * time.Second

// NewConn returns a connection that ends when ctx does.
func NewConn(ctx context.Context, nc net.Conn, opt *Options) *Conn {
	host, _, _ := net.SplitHostPort(nc.RemoteAddr().String())
	c := &Conn{opt: opt, nc: nc, host: "/" + host, replies: make(chan Pending, maxPipelined)}
	c.ctx, c.cancel = context.WithCancel(ctx)
	return c
}

// Context returns a context that ends when the client has gone or the server stops.
func (c *Conn) Context() context.Context { return c.ctx }

// Host returns the client's address, in the form in which groups describe it: /ADDRESS.
func (c *Conn) Host() string { return c.host }

// RemoteAddr returns the client's address and port.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Mute keeps the reader from serving requests for some time from now. Replies are sent.
func (c *Conn) Mute(d time.Duration) {
	if d <= 0 {
		return
	}
	until := time.Now().Add(d).UnixNano()
	for {
		old := c.mutedUntil.Load()
		if old >= until || c.mutedUntil.CompareAndSwap(old, until) {
			return
		}
	}
}

// awaitUnmuted waits until the reader may serve requests, or the connection ends.
func (c *Conn) awaitUnmuted() error {
	if c.mutedUntil.Load() == 0 {
		return nil
	}
	for {
		left := time.Until(time.Unix(0, c.mutedUntil.Load()))
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(left):
		case <-c.ctx.Done():
			return c.ctx.Err()
		}
	}
}

// Serve serves the connection until the client leaves, breaks the protocol, or the
// server stops. Requests that were read by then are answered.
func (c *Conn) Serve(h Handler) {
	defer c.nc.Close()
	var wg sync.WaitGroup
	wg.Go(c.write)
	// A stopping server reads no more, and answers the requests that it has read.
	unhook := context.AfterFunc(c.ctx, func() {
		c.nc.SetReadDeadline(time.Unix(1, 0))
		c.nc.SetWriteDeadline(time.Now().Add(lastWrite))
	})
	err := c.read(h)
	unhook()
	c.cancel()
	close(c.replies)
	wg.Wait()
	if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		c.opt.Log.Debug("connection ended", "remote", c.nc.RemoteAddr(), "err", err)
	}
}

// read reads and handles requests. It returns the error that ended the connection,
// which is never nil.
func (c *Conn) read(h Handler) error {
	var head [6]byte // size and api key
	in := bufio.NewReaderSize(c.nc, readBuffer)
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		n := int(int32(binary.BigEndian.Uint32(head[:])))
		if n < 8 || n > h.MaxRequestSize(int16(binary.BigEndian.Uint16(head[4:]))) {
			return fmt.Errorf("request of %d bytes", n)
		}
		if err := c.awaitUnmuted(); err != nil {
			return err
		}
		body, release, err := c.readBody(in, head[4:], n)
		if err != nil {
			return err
		}
		p, err := h.Handle(body)
		if err != nil {
			release()
			return err
		}
		p.release = release
		c.replies <- p
	}
}

// readBody reads a request of n bytes whose first bytes were read already. Its memory
// grows with the bytes that arrive; release gives it back.
func (c *Conn) readBody(in io.Reader, first []byte, n int) (body []byte, release func(), err error) {
	held := c.opt.Requests.Claim(c, c.host)
	buf := GetBuffer(0)
	release = func() {
		PutBuffer(buf)
		held.Release()
	}
	got := copy((*buf)[:len(first)], first)
	for size := 0; size < n; {
		step := min(n, max(firstStep, 8*size)) - size
		granted, lent, err := held.Grow(c.ctx, int64(step), int64(n-size))
		if err != nil {
			release()
			return nil, nil, err
		}
		size += int(granted)
		larger := GetBuffer(size)
		copy(*larger, (*buf)[:got])
		PutBuffer(buf)
		buf = larger
		rate := bodyRate
		if lent {
			rate = reserveRate
		}
		c.setReadDeadline(time.Now().Add(c.opt.BodyGrace + time.Duration(granted)*time.Second/time.Duration(rate)))
		m, err := io.ReadFull(in, (*buf)[got:])
		if got += m; err != nil {
			release()
			return nil, nil, err
		}
	}
	c.setReadDeadline(time.Time{})
	return *buf, release, nil
}

// setReadDeadline sets the time until which the reader waits, unless the connection
// has ended: then it does not wait at all.
func (c *Conn) setReadDeadline(deadline time.Time) {
	c.nc.SetReadDeadline(deadline)
	if c.ctx.Err() != nil {
		c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// write answers requests in order until the reader has closed replies.
func (c *Conn) write() {
	var failed bool
	for p := range c.replies {
		resp := p.Reply()
		if resp != nil && !failed {
			if err := c.send(p, resp); err != nil {
				failed = true
				c.cancel()
				c.nc.Close()
			}
		}
		if r, ok := resp.(Pooled); ok {
			r.Done()
		}
		p.release()
	}
}

// headerSize is the size of a response's header, and of the length before it.
const headerSize = 4 + 4 + 1

// send encodes a response and writes it.
func (c *Conn) send(p Pending, resp kmsg.Response) error {
	size := 0
	if r, ok := resp.(Pooled); ok {
		size = headerSize + r.Size()
	}
	buf := GetBuffer(size)
	defer func() { PutBuffer(buf) }()
	out := append((*buf)[:0], 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, uint32(p.Correlation))
	if p.Flexible {
		out = append(out, 0)
	}
	out = resp.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	*buf = out
	if r, ok := resp.(Pooled); ok {
		r.Encoded()
	}
	return c.writeSteps(out)
}

// writeSteps writes a response as long as the client takes each step in time.
func (c *Conn) writeSteps(out []byte) error {
	for len(out) > 0 {
		if c.stopBy.IsZero() {
			c.nc.SetWriteDeadline(time.Now().Add(c.opt.WriteTimeout))
		}
		if c.ctx.Err() != nil { // Serve set another deadline, perhaps before the one above
			if c.stopBy.IsZero() {
				c.stopBy = time.Now().Add(lastWrite)
			}
			c.nc.SetWriteDeadline(c.stopBy)
		}
		n, err := c.nc.Write(out[:min(len(out), writeStep)])
		if err != nil {
			return err
		}
		out = out[n:]
	}
	return nil
}
