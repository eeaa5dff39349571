package deliver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sightlog/sightlog/alarm"
	"github.com/sightlog/sightlog/alarm/report"
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
	report *report.Report // of a report, otherwise nil
}

// read decodes the payload.
func (m *outgoing) read() (err error) {
	if err = json.Unmarshal(m.payload, &m.Message); err == nil && m.Report != nil {
		m.report, err = report.Read(m.Report)
	}
	return err
}

// title is one line of ASCII.
func (m *outgoing) title() string { return "sightlog: " + m.Rule + " " + m.Event }

// text is the message for a person.
func (m *outgoing) text() string {
	if m.report != nil {
		return m.report.Short()
	}
	text := fmt.Sprintf("%s\nsince %s\nrule: %s", m.Message.Message, m.BeganAt.Format(time.RFC3339), m.When)
	if m.EndedAt != nil {
		text += "\nuntil " + m.EndedAt.Format(time.RFC3339)
	}
	if m.Outcome != "" {
		text += "\nended: " + m.Outcome
	}
	return text + "\nalarm " + m.ID
}
