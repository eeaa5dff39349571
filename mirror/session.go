package mirror

import (
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/kafka"
)

// session is one consumer of the source and one producer of the target. Whatever fails ends
// it: the next one has another producer epoch and begins with the positions at the target.
type session struct {
	*Mirror
	identity string
	src      *kgo.Client
	adm      *kadm.Client // of the source
	txn      *kafka.Transactions

	log  *logState // of the source, when it was listed last
	next map[topicPartition]position

	committed bool                     // a transaction was committed
	atGroup   map[topicPartition]int64 // what was committed as offsets at the source
	groupTime time.Time                // when that was tried
}
