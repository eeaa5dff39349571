package broker

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// SASLHandshake (key 17), v0-1, and SASLAuthenticate (key 36), v0-2.
//
// Mechanisms: PLAIN for the users of the configuration; SCRAM-SHA-256 and
// SCRAM-SHA-512 for those and for the users that AlterUserSCRAMCredentials
// made. A handshake of v0, after which tokens come without the protocol's
// frames, is refused.

const (
	mechanismPlain = "PLAIN"
	scramSHA256    = "SCRAM-SHA-256"
	scramSHA512    = "SCRAM-SHA-512"

	bucketSCRAM = "scram" // key: mechanism/user; value: scramRow
)

// authentication is how far a connection has come. The connection's reader
// alone uses it.
type authentication struct {
	mechanism string // agreed on, empty before the handshake
	scram     *scramExchange
	user      string
	done      bool
}

var errNotAuthenticated = errors.New("request before authentication")

// admit says whether a request may be served in the connection's state.
func (c *conn) admit(key int16) error {
	if !c.b.cfg.SASL || c.auth.done || key == apiVersionsKey || key == 17 || key == 36 {
		return nil
	}
	return errNotAuthenticated
}

// user returns who the caller is.
func (c *caller) user() string {
	if c.conn == nil || c.conn.auth.user == "" {
		return "ANONYMOUS"
	}
	return c.conn.auth.user
}

func (b *Broker) saslHandshake(c *caller, req *kmsg.SASLHandshakeRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.SASLHandshakeResponse)
	resp.SupportedMechanisms = []string{mechanismPlain, scramSHA256, scramSHA512}
	auth := &c.conn.auth
	switch {
	case !b.cfg.SASL || auth.done:
		resp.ErrorCode = kerr.IllegalSaslState.Code
	case req.Version < 1 || !slices.Contains(resp.SupportedMechanisms, req.Mechanism):
		resp.ErrorCode = kerr.UnsupportedSaslMechanism.Code
	default:
		*auth = authentication{mechanism: req.Mechanism}
	}
	return resp
}

func (b *Broker) saslAuthenticate(c *caller, req *kmsg.SASLAuthenticateRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
	auth := &c.conn.auth
	if auth.mechanism == "" || auth.done {
		resp.ErrorCode = kerr.IllegalSaslState.Code
		return resp
	}
	out, err := b.authenticate(auth, req.SASLAuthBytes)
	if err != nil {
		b.log.Warn("authentication failed", "remote", c.host(), "mechanism", auth.mechanism, "err", err)
		*auth = authentication{}
		resp.ErrorCode = kerr.SaslAuthenticationFailed.Code
		resp.ErrorMessage = kmsg.StringPtr("authentication failed: unknown user or wrong password")
		return resp
	}
	resp.SASLAuthBytes = out
	return resp
}

// authenticate takes one step.
func (b *Broker) authenticate(auth *authentication, in []byte) (out []byte, err error) {
	if auth.mechanism == mechanismPlain {
		parts := strings.Split(string(in), "\x00")
		if len(parts) != 3 || parts[0] != "" && parts[0] != parts[1] {
			return nil, kerr.SaslAuthenticationFailed
		}
		password, known := b.cfg.Users[parts[1]]
		if subtle.ConstantTimeCompare([]byte(password), []byte(parts[2])) != 1 || !known {
			return nil, kerr.SaslAuthenticationFailed
		}
		auth.user, auth.done = parts[1], true
		return []byte{}, nil
	}
	if auth.scram == nil {
		auth.scram = &scramExchange{mechanism: auth.mechanism, lookup: b.scramCredential}
	}
	answer, err := auth.scram.step(string(in))
	if err != nil {
		return nil, err
	}
	if auth.scram.done {
		auth.user, auth.done = auth.scram.user, true
	}
	return []byte(answer), nil
}

// scramCredential finds a user's credential: one made by an administrator
// first, then the configuration's.
func (b *Broker) scramCredential(mechanism, user string) (row scramRow, err error) {
	if v, ok := b.store.Get(bucketSCRAM, mechanism+"/"+user); ok {
		err := json.Unmarshal(v, &row)
		return row, err
	}
	password, known := b.cfg.Users[user]
	if !known {
		return row, kerr.SaslAuthenticationFailed
	}
	return scramFromPassword(mechanism, password)
}
