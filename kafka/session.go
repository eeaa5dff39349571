package kafka

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Session opens a session that consumes as a member of a group and produces in
// transactions, with the settings of Client and of a producer, and opts after them. It
// does not connect yet.
func (c Config) Session(opts ...kgo.Opt) (*kgo.GroupTransactSession, error) {
	all, err := c.common()
	if err != nil {
		return nil, err
	}
	producing, err := c.producing()
	if err != nil {
		return nil, err
	}
	s, err := kgo.NewGroupTransactSession(slices.Concat(all, producing, opts)...)
	if err != nil {
		return nil, fmt.Errorf("open kafka session: %w", err)
	}
	return s, nil
}
