package broker

import (
	"github.com/sightlog/sightlog/broker/internal/auth"

	"github.com/sightlog/sightlog/broker/internal/wire"

	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// conn is one client's connection.
type conn struct {
	b      *Broker
	nc     net.Conn
	ctx    context.Context // ends when the client has gone or the broker stops
	cancel context.CancelFunc
	host   string // the client's address, as groups describe it

	auth   auth.Session
	stopBy time.Time // when the last answers have to be written; the writer's

	// replies carries what the writer has to answer, in order. The reader
	// sends and closes it; when it is full the reader stops reading.
	replies chan pending
}

// maxPipelined is how many requests of one connection may wait for answers.
const maxPipelined = 64

// maxOtherRequest bounds requests without records: decoded they may take many
// times their size.
const maxOtherRequest = 8 << 20

// maxStrangersRequest bounds what is read from who has not authenticated.
const maxStrangersRequest = 64 << 10

// A request's body is read in steps. Each has Config.bodyGrace and as long as it
// takes at bodyRate: it holds a part of what all connections share. One that holds
// the reserve, for which others wait, has to be faster.
const (
	bodyRate    = 64 << 10 // bytes a second
	reserveRate = 1 << 20
	firstStep   = 64 << 10 // bytes; each step after it makes the body eight times as large
)

// writeStep is the part of an answer, in bytes, that a client has
// Config.writeTimeout to take: until then it holds the answer's memory.
const writeStep = 1 << 20

// readBuffer holds a small request whole, so that it takes one read; the body
// of a large one goes past it.
const readBuffer = 8 << 10

// lastWrite is how long a client has to take its last answers when the broker
// stops.
const lastWrite = 5 * time.Second

// pending is a request whose answer is due.
type pending struct {
	correlation int32
	flexible    bool // the response header has tags
	reply       reply
	release     func()
}

func newConn(b *Broker, nc net.Conn) *conn {
	host, _, _ := net.SplitHostPort(nc.RemoteAddr().String())
	c := &conn{b: b, nc: nc, host: "/" + host, replies: make(chan pending, maxPipelined)}
	c.ctx, c.cancel = context.WithCancel(b.ctx)
	return c
}

// run serves the connection until the client leaves, breaks the protocol, or
// the broker stops; what was read by then is answered.
func (c *conn) run() {
	defer c.nc.Close()
	var wg sync.WaitGroup
	wg.Go(c.write)
	// A stopping broker reads no more but answers what it has read.
	unhook := context.AfterFunc(c.ctx, func() {
		c.nc.SetReadDeadline(time.Unix(1, 0))
		c.nc.SetWriteDeadline(time.Now().Add(lastWrite))
	})
	err := c.read()
	unhook()
	c.cancel()
	close(c.replies)
	wg.Wait()
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
		c.b.log.Debug("connection ended", "remote", c.nc.RemoteAddr(), "err", err)
	}
}

func (c *conn) read() error {
	var head [6]byte // size and api key
	in := bufio.NewReaderSize(c.nc, readBuffer)
	for {
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return err
		}
		n := int(int32(binary.BigEndian.Uint32(head[:])))
		limit := c.b.cfg.MaxRequestBytes
		if key := binary.BigEndian.Uint16(head[4:]); key != produceKey {
			limit = min(limit, maxOtherRequest)
		}
		if c.b.cfg.SASL && !c.auth.Done() {
			limit = min(limit, maxStrangersRequest)
		}
		if n < 8 || n > limit {
			return fmt.Errorf("request of %d bytes", n)
		}
		body, release, err := c.readBody(in, head[4:], n)
		if err != nil {
			return err
		}
		p, err := c.dispatch(body)
		if err != nil {
			release()
			return err
		}
		p.release = release
		c.replies <- p
	}
}

// readBody reads a request of n bytes that begins with begun. The memory for it
// grows with what has come: release gives it back.
func (c *conn) readBody(in io.Reader, begun []byte, n int) (body []byte, release func(), err error) {
	held := c.b.inUse.Claim(c, c.host)
	buf := wire.GetBuffer(0)
	release = func() {
		wire.PutBuffer(buf)
		held.Release()
	}
	got := copy((*buf)[:len(begun)], begun)
	for size := 0; size < n; {
		step := min(n, max(firstStep, 8*size)) - size
		granted, lent, err := held.Grow(c.ctx, int64(step), int64(n-size))
		if err != nil {
			release()
			return nil, nil, err
		}
		size += int(granted)
		larger := wire.GetBuffer(size)
		copy(*larger, (*buf)[:got])
		wire.PutBuffer(buf)
		buf = larger
		rate := bodyRate
		if lent {
			rate = reserveRate
		}
		c.expect(time.Now().Add(c.b.cfg.bodyGrace + time.Duration(granted)*time.Second/time.Duration(rate)))
		m, err := io.ReadFull(in, (*buf)[got:])
		if got += m; err != nil {
			release()
			return nil, nil, err
		}
	}
	c.expect(time.Time{})
	return *buf, release, nil
}

// expect sets when the reader stops waiting, unless it has to stop now.
func (c *conn) expect(deadline time.Time) {
	c.nc.SetReadDeadline(deadline)
	if c.ctx.Err() != nil {
		c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// dispatch decodes a request and runs its handler.
func (c *conn) dispatch(frame []byte) (pending, error) {
	h, err := wire.ReadHeader(frame)
	if err != nil {
		return pending{}, err
	}
	a, known := c.b.apis[h.Key]
	if !known {
		return pending{}, fmt.Errorf("request of unknown api key %d", h.Key)
	}
	if err := c.admit(h.Key); err != nil {
		return pending{}, fmt.Errorf("%s: %w", kmsg.NameForKey(h.Key), err)
	}
	req := kmsg.RequestForKey(h.Key)
	p := pending{correlation: h.Correlation}
	if h.Version < a.min || h.Version > a.max {
		if h.Key == apiVersionsKey {
			p.reply = immediate(c.b.unsupportedApiVersions())
			return p, nil
		}
		return pending{}, fmt.Errorf("%s request of unknown version %d", kmsg.NameForKey(h.Key), h.Version)
	}
	req.SetVersion(h.Version)
	body := h.Body
	if req.IsFlexible() {
		if body, err = wire.SkipTags(body); err != nil {
			return pending{}, fmt.Errorf("decode %s header: %w", kmsg.NameForKey(h.Key), err)
		}
		p.flexible = h.Key != apiVersionsKey
	}
	if err := a.schema.Validate(body, h.Version, req.IsFlexible()); err != nil {
		return pending{}, fmt.Errorf("decode %s v%d: %w", kmsg.NameForKey(h.Key), h.Version, err)
	}
	c.b.met.requests.WithLabelValues(kmsg.NameForKey(h.Key)).Inc()
	if err := req.ReadFrom(body); err != nil {
		return pending{}, fmt.Errorf("decode %s v%d: %w", kmsg.NameForKey(h.Key), h.Version, err)
	}
	p.reply = a.handler(c.b, &caller{ctx: c.ctx, conn: c, clientID: h.ClientID}, req)
	return p, nil
}

// write answers in order until the reader has closed replies.
func (c *conn) write() {
	var failed bool
	for p := range c.replies {
		resp := p.reply()
		if resp != nil && !failed {
			if err := c.send(p, resp); err != nil {
				failed = true
				c.cancel()
				c.nc.Close()
			}
		}
		if r, ok := resp.(interface{ done() }); ok {
			r.done()
		}
		p.release()
	}
}

func (c *conn) send(p pending, resp kmsg.Response) error {
	buf := wire.GetBuffer(0)
	defer func() { wire.PutBuffer(buf) }()
	out := append((*buf)[:0], 0, 0, 0, 0)
	out = binary.BigEndian.AppendUint32(out, uint32(p.correlation))
	if p.flexible {
		out = append(out, 0)
	}
	out = resp.AppendTo(out)
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	*buf = out
	if r, ok := resp.(interface{ release() }); ok {
		r.release()
	}
	return c.writeOut(out)
}

// writeOut writes an answer, as long as the client takes it.
func (c *conn) writeOut(out []byte) error {
	for len(out) > 0 {
		if c.stopBy.IsZero() {
			c.nc.SetWriteDeadline(time.Now().Add(c.b.cfg.writeTimeout))
		}
		if c.ctx.Err() != nil { // run set another, perhaps before this did
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
