package auth

import (
	"cmp"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// mechanismPlain is the mechanism PLAIN (RFC 4616).
const mechanismPlain = "PLAIN"

// Mechanisms are the names that a handshake may agree on.
var Mechanisms = []string{mechanismPlain, scramSHA256, scramSHA512}

// Session is the authentication of one connection. Only the connection's reader
// uses it. The zero value is that of a connection that has said nothing yet.
type Session struct {
	mechanism string // agreed on in the handshake; empty before
	scram     *scramExchange
	user      string // set when done
	done      bool

	certificate string // subject of the client's certificate, or ""
}

// Certified says that the client has shown a certificate with this subject: its user, unless
// it authenticates as another.
func (s *Session) Certified(subject string) { s.certificate = subject }

// Done reports whether the connection is authenticated.
func (s *Session) Done() bool { return s.done }

// Begun reports whether a handshake has agreed on a mechanism and tokens are due.
func (s *Session) Begun() bool { return s.mechanism != "" && !s.done }

// Mechanism returns the mechanism agreed on, or "".
func (s *Session) Mechanism() string { return s.mechanism }

// User returns the authenticated user, or the subject of the client's certificate, or
// ANONYMOUS.
func (s *Session) User() string { return cmp.Or(s.user, s.certificate, "ANONYMOUS") }

// Begin agrees on a mechanism: UNSUPPORTED_SASL_MECHANISM if there is none of that
// name, ILLEGAL_SASL_STATE if the connection is authenticated already.
func (s *Session) Begin(mechanism string) error {
	switch {
	case s.done:
		return kerr.IllegalSaslState
	case !slices.Contains(Mechanisms, mechanism):
		return kerr.UnsupportedSaslMechanism
	}
	*s = Session{mechanism: mechanism, certificate: s.certificate}
	return nil
}

// Step takes the client's next token and returns the answer to it. After an error
// the session is as before its handshake.
func (s *Session) Step(credentials *Credentials, token []byte) (answer []byte, err error) {
	answer, err = s.step(credentials, token)
	if err != nil {
		*s = Session{certificate: s.certificate}
	}
	return answer, err
}

func (s *Session) step(credentials *Credentials, token []byte) ([]byte, error) {
	if s.mechanism == mechanismPlain {
		parts := strings.Split(string(token), "\x00")
		if len(parts) != 3 || parts[0] != "" && parts[0] != parts[1] {
			return nil, kerr.SaslAuthenticationFailed
		}
		if err := credentials.verify(parts[1], parts[2]); err != nil {
			return nil, err
		}
		s.user, s.done = parts[1], true
		return []byte{}, nil
	}
	if s.scram == nil {
		s.scram = &scramExchange{mechanism: s.mechanism, lookup: credentials.lookup}
	}
	answer, err := s.scram.step(string(token))
	if err != nil {
		return nil, err
	}
	if s.scram.done {
		s.user, s.done = s.scram.user, true
	}
	return []byte(answer), nil
}
