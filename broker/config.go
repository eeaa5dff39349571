package broker

import (
	"crypto/tls"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/sightlog/sightlog/broker/storage"
)

// Config configures a broker. The zero value of a field stands for the default, which
// its comment names last.
type Config struct {
	Listen    string // host:port; 127.0.0.1:9092
	Advertise string // host:port that clients connect to; the bound address
	Dir       string // data directory, created if absent
	ClusterID string // id that an existing directory must have and a new one is given; any, and a random one
	NodeID    int32  // id of the one node; 0

	DefaultPartitions int  // of topics created without a number; 1
	NoAutoCreate      bool // topics that clients ask for are not created
	// TopicDefaults are settings that topics have unless they have their own, in place of
	// those of topic_settings.go. See Configure.
	TopicDefaults map[string]string

	Flush         storage.Flush // whether a write is on disk when it is acknowledged; storage.FlushAlways
	FlushInterval time.Duration // under storage.FlushInterval; 50 ms

	MaxRequestBytes  int   // largest request that is read; 100 MiB
	MaxInFlightBytes int64 // memory of all requests, and again of all responses with records; 256 MiB, at least twice MaxRequestBytes
	MaxConnections   int   // 0: no limit
	MaxFetchBytes    int   // most bytes of records in a fetch response, whatever was asked for; its first batch is always whole; 55 MiB

	GroupMinSession   time.Duration // shortest session a member may ask for; 6 s
	GroupMaxSession   time.Duration // longest; 30 min
	GroupInitialDelay time.Duration // how long a classic group that was empty waits for more (Kafka's group.initial.rebalance.delay.ms); 0
	// GroupConsumerSession is after what a member of a consumer group (KIP-848) that sends no
	// heartbeat is removed, unless the group has a setting of its own; 45 s. Members are asked
	// for one every GroupConsumerHeartbeat; 1 s.
	GroupConsumerSession, GroupConsumerHeartbeat time.Duration

	MaxTxnTimeout   time.Duration // longest timeout of a transaction; 15 min
	OffsetRetention time.Duration // after which the offsets of a group without members expire; 7 days
	CleanInterval   time.Duration // between passes of retention and compaction; 30 s

	// TLS, if set, encrypts every connection. The subject of a client's certificate that it
	// verifies is the client's user, unless the client authenticates as another.
	TLS *tls.Config
	// SASL requires every connection to authenticate, by PLAIN or SCRAM, as one of the
	// Users or of those that AlterUserSCRAMCredentials stored; the stored credential of
	// one of the Users replaces the password.
	SASL  bool
	Users map[string]string // password by name
	// ACLs denies every operation that no rule allows, except to SuperUsers.
	ACLs       bool
	SuperUsers []string
	// Insecure allows listening beyond this machine without SASL and client certificates.
	Insecure bool

	Log     *slog.Logger          // optional
	Metrics prometheus.Registerer // optional

	bodyGrace    time.Duration // for each step of a request, beside its rate; 10 s
	writeTimeout time.Duration // for each step of a response; 30 s

	// See storage.Options.
	FS           storage.FS
	JournalBytes int64
	DirectBytes  int
}

func (c Config) withDefaults() Config {
	orDefault(&c.Listen, "127.0.0.1:9092")
	orDefault(&c.DefaultPartitions, 1)
	orDefault(&c.MaxRequestBytes, 100<<20)
	orDefault(&c.MaxInFlightBytes, 256<<20)
	orDefault(&c.MaxFetchBytes, 55<<20)
	orDefault(&c.GroupMinSession, 6*time.Second)
	orDefault(&c.GroupMaxSession, 30*time.Minute)
	orDefault(&c.GroupConsumerSession, 45*time.Second)
	orDefault(&c.GroupConsumerHeartbeat, time.Second)
	orDefault(&c.MaxTxnTimeout, 15*time.Minute)
	orDefault(&c.OffsetRetention, 7*24*time.Hour)
	orDefault(&c.CleanInterval, 30*time.Second)
	orDefault(&c.bodyGrace, 10*time.Second)
	orDefault(&c.writeTimeout, 30*time.Second)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.MaxInFlightBytes = max(c.MaxInFlightBytes, 2*int64(c.MaxRequestBytes))
	return c
}

func orDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
