package occupancy

import (
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// session is one membership in the group with one producer. A goroutine, that of Run,
// owns all of it but stale. Whatever fails ends the session: the next one has another
// producer epoch and begins with the state in the log.
type session struct {
	*Processor
	gts   *kgo.GroupTransactSession
	adm   *kadm.Client
	parts map[int32]*part // the assigned partitions, with the state at their committed offsets

	stale     atomic.Bool // partitions were revoked or lost: another member may have changed the states
	committed bool        // a transaction was committed
	answered  time.Time   // when the log answered last
}

// hasAnswered is called after each answer of the log.
func (s *session) hasAnswered() {
	s.answered = time.Now()
	s.health.OK()
}
