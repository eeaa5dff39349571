package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sightlog/sightlog/alarm"
)

// sender sends to one receiver. A second call with the same message is a repetition of it.
type sender interface {
	send(ctx context.Context, m *outgoing) error
	close()
}

// errRefused wraps the error of a message that the receiver will not take however often it
// is tried.
var errRefused = errors.New("refused")

// outgoing is a message that is to be sent.
type outgoing struct {
	row      int64
	id       string // the same in each try
	payload  []byte
	attempts int
	created  time.Time
	alarm.Message
}

// title is one line of ASCII.
func (m *outgoing) title() string { return "sightlog: " + m.Rule + " " + m.Event }

// text is the message for a person.
func (m *outgoing) text() string {
	text := fmt.Sprintf("%s\nsince %s\nrule: %s", m.Message.Message, m.BeganAt.Format(time.RFC3339), m.When)
	if m.EndedAt != nil {
		text += "\nuntil " + m.EndedAt.Format(time.RFC3339)
	}
	return text + "\nalarm " + m.ID
}
