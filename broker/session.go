package broker

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// session is one client's connection and what is known of the client. Only the
// connection's reader changes it.
type session struct {
	b    *Broker
	conn *wire.Conn
	auth auth.Session
	tls  *tls.Conn // whose certificate was not looked at yet; or nil
}

// maxOtherRequest bounds requests without records: decoded they may take many times
// their size.
const maxOtherRequest = 8 << 20

// maxUnauthenticatedRequest bounds the requests of clients that have not authenticated.
const maxUnauthenticatedRequest = 64 << 10

func newSession(b *Broker, nc net.Conn) *session {
	s := &session{b: b, conn: wire.NewConn(b.ctx, nc, &b.connOptions)}
	s.tls, _ = nc.(*tls.Conn)
	return s
}

// identify looks at the client's certificate, once: at the first request the handshake is
// over.
func (s *session) identify() {
	if s.tls == nil {
		return
	}
	if verified := s.tls.ConnectionState().VerifiedChains; len(verified) > 0 {
		s.auth.Certified(subject(verified[0][0]))
	}
	s.tls = nil
}

// subject returns the subject of a certificate as Kafka names a client by it (RFC 2253):
// CN=edge-7,O=shop.
func subject(c *x509.Certificate) string {
	var names pkix.RDNSequence
	if _, err := asn1.Unmarshal(c.RawSubject, &names); err != nil {
		return c.Subject.String()
	}
	return names.String()
}

// MaxRequestSize implements wire.Handler.
func (s *session) MaxRequestSize(key int16) int {
	limit := s.b.cfg.MaxRequestBytes
	if key != produceKey {
		limit = min(limit, maxOtherRequest)
	}
	if s.b.cfg.SASL && !s.auth.Done() {
		limit = min(limit, maxUnauthenticatedRequest)
	}
	return limit
}

// Handle implements wire.Handler: it decodes a request and runs its handler.
func (s *session) Handle(request []byte) (wire.Pending, error) {
	s.identify()
	h, err := wire.ReadHeader(request)
	if err != nil {
		return wire.Pending{}, err
	}
	a, known := s.b.apis[h.Key]
	if !known {
		return wire.Pending{}, fmt.Errorf("request of unknown api key %d", h.Key)
	}
	if err := s.admit(h.Key); err != nil {
		return wire.Pending{}, fmt.Errorf("%s: %w", kmsg.NameForKey(h.Key), err)
	}
	req := kmsg.RequestForKey(h.Key)
	p := wire.Pending{Correlation: h.Correlation}
	if h.Version < a.min || h.Version > a.max {
		if h.Key == apiVersionsKey {
			p.Reply = immediate(s.b.unsupportedAPIVersions())
			return p, nil
		}
		return wire.Pending{}, fmt.Errorf("%s request of unknown version %d", kmsg.NameForKey(h.Key), h.Version)
	}
	req.SetVersion(h.Version)
	body := h.Body
	if req.IsFlexible() {
		if body, err = wire.SkipTags(body); err != nil {
			return wire.Pending{}, fmt.Errorf("decode %s header: %w", kmsg.NameForKey(h.Key), err)
		}
		p.Flexible = h.Key != apiVersionsKey
	}
	if err := a.schema.Validate(body, h.Version, req.IsFlexible()); err != nil {
		return wire.Pending{}, fmt.Errorf("decode %s v%d: %w", kmsg.NameForKey(h.Key), h.Version, err)
	}
	s.b.met.requests.WithLabelValues(kmsg.NameForKey(h.Key)).Inc()
	if err := req.ReadFrom(body); err != nil {
		return wire.Pending{}, fmt.Errorf("decode %s v%d: %w", kmsg.NameForKey(h.Key), h.Version, err)
	}
	c, began := &caller{ctx: s.conn.Context(), conn: s.conn, auth: &s.auth, clientID: h.ClientID}, time.Now()
	p.Reply = s.b.limited(c, req, len(request), began, a.handler(s.b, c, req))
	return p, nil
}

var errNotAuthenticated = errors.New("request before authentication")

// admit returns an error if the connection has to authenticate before it may send a
// request of this kind.
func (s *session) admit(key int16) error {
	if !s.b.cfg.SASL || s.auth.Done() || key == apiVersionsKey || key == saslHandshakeKey || key == saslAuthenticateKey {
		return nil
	}
	return errNotAuthenticated
}
