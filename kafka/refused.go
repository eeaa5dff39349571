package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// askTime bounds AskIn: what is away need not answer.
const askTime = 3 * time.Second

// AskIn asks a cluster who its brokers are. The error is nil unless the answer is that this client
// is not let in, or that there is no Kafka: a cluster that is away may come back by itself.
func AskIn(ctx context.Context, c Config) error {
	cl, err := c.Client(kgo.DialTimeout(askTime), kgo.RequestTimeoutOverhead(askTime)) // for which Close waits
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if _, err = kadm.NewClient(cl).ListBrokers(ctx); refused(err) {
		return err
	}
	return nil
}

// HowToReach returns what a user may do about brokers that cannot be used.
func HowToReach(err error) string {
	switch {
	case refused(err):
		return "correct --brokers, or the keys of TLS and of the login"
	case denied(err):
		return "give the account the rights that docs/kafka.md names"
	}
	return "start them, or correct --brokers"
}

// denied reports whether err is of a right that the account lacks.
func denied(err error) bool {
	for _, e := range []error{
		kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// refused reports whether err is of a login, of certificates, or of a server of something else: the
// next attempt with the same configuration fails, too.
func refused(err error) bool {
	for _, e := range []error{kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState} {
		if errors.Is(err, e) {
			return true
		}
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" { // an alert of TLS
		return true
	}
	return errors.As(err, new(tokenError)) || errors.As(err, new(*tls.CertificateVerificationError)) ||
		errors.As(err, new(tls.RecordHeaderError)) || err != nil && strings.Contains(err.Error(), "invalid large response size") // which the client exports no error of
}
