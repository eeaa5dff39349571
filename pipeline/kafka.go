package pipeline

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"strings"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
	"github.com/sightlog/sightlog/usage"
)

// KafkaConfig returns the configuration of a client that produces or consumes.
func KafkaConfig(c config.Kafka, log *slog.Logger) (kafka.Config, error) {
	if c.Partitions < 1 || c.Partitions > 10_000 {
		return kafka.Config{}, usage.New("give 1 to 10000", "--partitions %d", c.Partitions)
	}
	s, err := clusterConfig(c.Cluster, c.Encoding, "--", log)
	s.Linger, s.Compression = c.Linger, c.Compression
	return s, err
}

// ClusterConfig returns the configuration of a client of a cluster.
func ClusterConfig(c config.Cluster, log *slog.Logger) (kafka.Config, error) {
	return clusterConfig(c, schema.JSON, "--", log)
}

// IntoConfig returns the configuration of a client that mirrors into a cluster.
func IntoConfig(c config.Into, compression string) (kafka.Config, error) {
	s, err := clusterConfig(c.Cluster(), schema.JSON, "--into-", nil)
	s.Compression = compression
	return s, err
}

// CheckRefused returns a *usage.Error if brokers that may be away answer, and refuse this client or
// are no Kafka. flag names their addresses.
func CheckRefused(ctx context.Context, c kafka.Config, flag string) error {
	if err := kafka.AskIn(ctx, c); err != nil {
		return usage.Wrap(err, "correct it, or the keys of the login, or add --wait", "%s %s: %v", flag, strings.Join(c.Brokers, ","), err)
	}
	return nil
}

// clusterConfig is ClusterConfig for an encoding, and flags with a prefix.
func clusterConfig(c config.Cluster, encoding, prefix string, log *slog.Logger) (kafka.Config, error) {
	t, err := tlsConfig(c, prefix)
	if err != nil {
		return kafka.Config{}, err
	}
	schemas, err := schema.New(schema.Config{URL: c.SchemaRegistry, Encoding: encoding, TLS: t})
	if err != nil {
		return kafka.Config{}, err
	}
	if err := checkSASL(c, prefix); err != nil {
		return kafka.Config{}, err
	}
	return kafka.Config{
		Brokers: c.Brokers, TLS: t, Log: log, Schemas: schemas,
		SASL: c.SASL, SASLUser: c.SASLUser, SASLPassword: c.SASLPassword, SASLToken: c.SASLToken, SASLScope: c.SASLScope,
		Flags: prefix,
	}, nil
}

// checkSASL refuses keys that lack another one, or have no effect.
func checkSASL(c config.Cluster, prefix string) error {
	bearer := c.SASL == "oauthbearer"
	switch {
	case c.SASL == "" && c.SASLUser != "":
		return usage.New("add "+prefix+"sasl plain, scram-sha-256, scram-sha-512 or oauthbearer", "%[1]ssasl-user has no effect without %[1]ssasl", prefix)
	case c.SASL != "" && !bearer && c.SASLUser == "":
		return usage.New("give "+prefix+"sasl-user, and its password", "%ssasl %s without a user", prefix, c.SASL)
	case bearer && c.SASLToken == "":
		return usage.New("give "+prefix+"sasl-token file:PATH, command:PROGRAM or the address of a token endpoint", "%ssasl oauthbearer without a token", prefix)
	case !bearer && c.SASLToken != "":
		return usage.New("add "+prefix+"sasl oauthbearer", "%ssasl-token has no effect without it", prefix)
	case !bearer && len(c.SASLScope) > 0:
		return usage.New("add "+prefix+"sasl oauthbearer and its token", "%ssasl-scope has no effect without them", prefix)
	}
	return nil
}

func tlsConfig(c config.Cluster, prefix string) (*tls.Config, error) {
	if !c.TLS {
		if c.TLSCA != "" || c.TLSCert != "" {
			return nil, usage.New("add "+prefix+"tls", "%[1]stls-ca and %[1]stls-cert have no effect without %[1]stls", prefix)
		}
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, usage.Wrap(err, "check the path", "%stls-ca %s: %v", prefix, c.TLSCA, usage.Cause(err))
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, usage.New("give PEM certificates", "%stls-ca %s: holds no certificate", prefix, c.TLSCA)
		}
	}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, usage.Wrap(err, "give a PEM certificate and its key", "%stls-cert %s: %v", prefix, c.TLSCert, err)
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}
