package sink

import (
	"log/slog"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// consumer is one member of the group. The goroutine of run owns all fields but
// those that mu guards: the client calls adjustFetchOffsets and onPartitionsRevoked
// from a goroutine of its own, and watch reads them.
type consumer struct {
	sink *Sink // shared with the other consumers: what it has is safe for concurrent use

	log *slog.Logger

	opened chan struct{} // closed when cl and adm are set; the client's callbacks may come before
	cl     *kgo.Client
	adm    *kadm.Client

	reconnects *reconnects
	expand     *expander

	mu      sync.Mutex                  // guards the following
	at      map[topicPartition]position // the assigned partitions that are consumed, with their stored offsets
	stopped map[topicPartition]struct{} // the assigned partitions that are not; see stop
	corrupt map[topicPartition]int64    // of the stopped, those that are corrupt at this offset

	rechecked time.Time                 // when recheck last looked
	suspect   map[topicPartition]string // what the client says is wrong, until recheck looks

	paused         map[topicPartition]time.Time // paused until then, because of a fault
	again          []topicPartition             // to read again from their stored offset; see passEnd
	faults         map[topicPartition]fault     // of fetches, until the offset moves
	ids            []int64                      // batch ids that were fetched and not used yet
	types          columnTypes                  // of the table of sightings, nil: read them first
	last           *batchTimes                  // the last committed batch, until its times are written
	topicRecreated bool                         // a topic was recreated: this consumer has to end
}

func (c *consumer) positions() map[topicPartition]position {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.at)
}

func (c *consumer) position(tp topicPartition) (position, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.at[tp]
	return at, ok
}

func (c *consumer) stoppedPartitions() (partitions []topicPartition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for tp := range c.stopped {
		partitions = append(partitions, tp)
	}
	return partitions
}

func (c *consumer) isPaused(tp topicPartition) bool { _, ok := c.paused[tp]; return ok }

// batchTimes is the row of table batches for a committed transaction. It has the
// commit's time, so that only a later transaction can write it.
type batchTimes struct {
	id                 int64
	fetched, committed time.Time
	records            int
}

// fault counts the failures in a row to read a partition at an offset.
type fault struct {
	next  int64
	times int
}

// reconnects is set by each new connection of the client: a log cannot be replaced
// by another one without.
type reconnects struct{ seen atomic.Bool }

var _ kgo.HookBrokerConnect = (*reconnects)(nil)

// OnBrokerConnect implements kgo.HookBrokerConnect. It is called before the
// first request on the connection.
func (r *reconnects) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if err == nil {
		r.seen.Store(true)
	}
}
