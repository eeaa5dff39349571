package group

import (
	"log/slog"
	"time"

	"github.com/sightlog/sightlog/broker/internal/timer"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
	"github.com/twmb/franz-go/pkg/kerr"
)

// Options are what a Coordinator takes from its broker.
type Options struct {
	Store  *storage.Store
	Timers *timer.Set
	Log    *slog.Logger
	// MinSession and MaxSession bound the session timeout that a member of a classic
	// group may ask for.
	MinSession, MaxSession time.Duration
	// InitialDelay is how long a classic group that was empty waits for more members, again
	// after each that joins.
	InitialDelay time.Duration
	// ConsumerTimes returns what members of a group of the consumer protocol are asked for:
	// the time between heartbeats, and that after which one without any is removed. It is
	// called with the group locked.
	ConsumerTimes func(group string) (heartbeat, session time.Duration)
	// Topics returns the topics that exist, by name. It is called with a group
	// locked, and calls no group.
	Topics func() []Topic
}

// Topic is a topic as groups see it.
type Topic struct {
	ID         wire.UUID
	Name       string
	Partitions int
}

// Client is the sender of a request.
type Client struct {
	ID   string
	Host string // its address, as groups are described with it
}

// CheckID returns INVALID_GROUP_ID for a request that names no group.
func CheckID(name string) error {
	if name == "" {
		return kerr.InvalidGroupID
	}
	return nil
}
