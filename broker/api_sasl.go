package broker

import (
	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// SASLHandshake and SASLAuthenticate.
//
// A handshake of v0, after which tokens are sent without the protocol's framing, is
// refused.

const (
	saslHandshakeKey    = 17
	saslAuthenticateKey = 36
)

var saslHandshakeAPI = api{
	key: saslHandshakeKey, min: 0, max: 1,
	handler: handle((*Broker).saslHandshake),
	schema:  wire.Schema{wire.String},
}

func (b *Broker) saslHandshake(c *caller, req *kmsg.SASLHandshakeRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
	resp.SupportedMechanisms = auth.Mechanisms
	switch {
	case !b.cfg.SASL:
		resp.ErrorCode = kerr.IllegalSaslState.Code
	case req.Version < 1 && !c.auth.Done():
		resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
	default:
		resp.ErrorCode = wire.Code(c.auth.Begin(req.Mechanism))
	}
	return resp
}

var saslAuthenticateAPI = api{
	key: saslAuthenticateKey, min: 0, max: 2,
	handler: handle((*Broker).saslAuthenticate),
	schema:  wire.Schema{wire.Bytes},
}

func (b *Broker) saslAuthenticate(c *caller, req *kmsg.SASLAuthenticateRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	login := c.auth
	if !login.Begun() {
		resp.ErrorCode = kerr.IllegalSaslState.Code
		return resp
	}
	mechanism := login.Mechanism()
	answer, err := login.Step(b.credentials, req.SASLAuthBytes)
	if err != nil {
		b.log.Warn("authentication failed", "remote", c.conn.RemoteAddr(), "mechanism", mechanism, "err", err)
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		// One text for every cause, as in Kafka: the cause is for the broker's log.
		resp.ErrorMessage = new("authentication failed: unknown user or wrong password")
		return resp
	}
	resp.SASLAuthBytes = answer
	return resp
}
