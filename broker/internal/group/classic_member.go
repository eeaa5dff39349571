package group

import (
	"time"

	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is a member of a classicGroup.
type member struct {
	id         string
	instance   *string
	clientID   string
	host       string
	session    time.Duration
	rebalance  time.Duration
	protocols  []kmsg.JoinGroupRequestProtocol // by preference
	order      int
	generation int32 // the last that it joined
	assignment []byte

	lastHeartbeat time.Time   // or another request of the member
	sessionTimer  *time.Timer // removes the member unless lastHeartbeat is recent

	// The requests that wait for the group; nil if none waits. Each channel has
	// capacity 1 and is sent one value, so that sending with mu held cannot block.
	join chan *kmsg.JoinGroupResponse
	sync chan *kmsg.SyncGroupResponse
}

// reject answers the member's waiting requests with an error.
func (m *member) reject(err error) {
	if m.join != nil {
		resp := kmsg.NewPtrJoinGroupResponse()
		resp.ErrorCode, resp.Generation, resp.MemberID = wire.Code(err), -1, m.id
		m.join <- resp
		m.join = nil
	}
	m.rejectSync(err)
}

func (m *member) rejectSync(err error) {
	if m.sync != nil {
		resp := kmsg.NewPtrSyncGroupResponse()
		resp.ErrorCode = wire.Code(err)
		m.sync <- resp
		m.sync = nil
	}
}

// metadata returns the member's metadata for a protocol, or nil if it does not
// support it.
func (m *member) metadata(protocol string) []byte {
	for _, p := range m.protocols {
		if p.Name == protocol {
			return p.Metadata
		}
	}
	return nil
}

// recordHeartbeat restarts the member's session timeout.
func (m *member) recordHeartbeat() { m.lastHeartbeat = time.Now() }
