package broker

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/sightlog/sightlog/broker/internal/auth"
	"github.com/sightlog/sightlog/broker/internal/group"
	"github.com/sightlog/sightlog/broker/internal/quota"
	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/sightlog/sightlog/broker/internal/txn"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
)

// Errors that opening a broker may wrap.
var (
	ErrLocked      = storage.ErrLocked
	ErrNewerFormat = storage.ErrNewerFormat
	// ErrOtherCluster means that the directory has another id than Config.ClusterID.
	ErrOtherCluster = errors.New("log of another cluster")
	// ErrInsecure means that the address can be reached from other machines, and
	// clients would not have to authenticate.
	ErrInsecure = errors.New("other machines could connect without authentication")
)

// Broker is an open data directory and a bound listener.
type Broker struct {
	cfg       Config
	log       *slog.Logger
	loggers   *loggers // of the parts, log among them
	store     *storage.Store
	ln        net.Listener
	host      string // as advertised to clients
	port      int32
	clusterID string

	apis        map[int16]api      // by key; not changed after New
	topics      *topics            // that exist, with their partitions' logs and settings
	groups      *group.Coordinator // members in memory, committed offsets in the store
	groupConfs  *groupConfigs      // settings of groups
	txns        *txn.Coordinator   // transactional ids and their open transactions
	acls        *auth.ACLs         // access rules
	credentials *auth.Credentials  // of SASL users
	quotas      *quota.Quotas      // limits of users and client ids
	met         *metrics
	timers      timer.Set    // of groups and transactions; stopped before the store is closed
	requests    *wire.Budget // memory of requests that are read and served
	// responses is the memory of responses with records, which are in memory twice: as
	// they are read from the log and as they are written.
	responses *wire.Budget

	decompressing sync.Mutex // held while a batch is decompressed: one at a time is in memory

	ctx  context.Context // ends when the broker stops
	stop context.CancelFunc

	connOptions wire.Options // of all connections

	connsMu sync.Mutex // guards conns; taken alone
	conns   map[*wire.Conn]struct{}
	connsWG sync.WaitGroup // a goroutine for each connection
}

// Addr returns the address that the listener is bound to.
func (b *Broker) Addr() string { return b.ln.Addr().String() }

// ClusterID returns the id that the data directory was given when it was created.
func (b *Broker) ClusterID() string { return b.clusterID }

// api is an API of the protocol, in the versions that are served. Each stands as one
// value in the file of its handler, and once in the list of apis. A request is checked
// against the schema before it is decoded.
type api struct {
	key, min, max int16
	handler       handler
	schema        wire.Schema
}

// handler does what has to happen in a connection's order. It runs in the
// connection's reader, so it must not wait for long.
type handler func(*Broker, *caller, kmsg.Request) reply

// reply returns the response: see wire.Reply.
type reply = wire.Reply

// caller is the sender of a request.
type caller struct {
	ctx      context.Context
	conn     *wire.Conn
	auth     *auth.Session // of the connection
	clientID string
}
