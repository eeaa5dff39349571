package alarm

import (
	"time"

	"github.com/sightlog/sightlog/alarm/rule"
)

// state is what a rule remembers of a subject between two observations.
type state struct {
	Text  string    `json:"text"`            // the rule, as it was written then
	Run   string    `json:"run,omitempty"`   // of the last observation
	Seen  time.Time `json:"seen,omitzero"`   // of the last observation
	Since time.Time `json:"since,omitzero"`  // from when the condition holds; zero: it does not
	Last  time.Time `json:"last,omitzero"`   // when it held last
	Peak  int       `json:"peak,omitempty"`  // the highest count since Since
	Alarm string    `json:"alarm,omitempty"` // the alarm that is not over
	Sent  time.Time `json:"sent,omitzero"`   // beginning of the last alarm that was sent
}

// change is the beginning or the end of an alarm.
type change struct {
	ended bool
	id    string
	began time.Time
	at    time.Time // when it fired, or the condition held last
	value int
	run   string
	track *int64
}

// observe tells the state what is so at a time, and returns what follows. Times of one run
// come in order; an older one tells nothing new.
func (s *state) observe(r *rule.Rule, run string, at time.Time, holds bool, value int) (all []change) {
	if s.Text != r.Text || s.Run != run {
		all = s.end(all)
		s.Text, s.Run, s.Since, s.Seen = r.Text, run, time.Time{}, time.Time{}
	}
	if at.Before(s.Seen) {
		return all
	}
	s.Seen = at
	all = s.expire(r, at, all)
	if !holds {
		return all
	}
	if s.Since.IsZero() {
		s.Since, s.Peak = at, value
	}
	s.Last, s.Peak = at, max(s.Peak, value)
	if s.Alarm == "" && at.Sub(s.Since) >= r.For {
		s.Alarm = makeID(r, r.Subject(), s.Since)
		all = append(all, change{id: s.Alarm, began: s.Since, at: at, value: s.Peak, run: run})
	}
	return all
}

// expire ends what has not held for long enough: an alarm for the rule's Clear, one that
// has not begun for rule.Flicker.
func (s *state) expire(r *rule.Rule, at time.Time, all []change) []change {
	patience := rule.Flicker
	if s.Alarm != "" {
		patience = r.Clear
	}
	if !s.Since.IsZero() && at.Sub(s.Last) > patience {
		all = s.end(all)
		s.Since = time.Time{}
	}
	return all
}

// end adds the end of the alarm that is not over, if there is one.
func (s *state) end(all []change) []change {
	if s.Alarm == "" {
		return all
	}
	id := s.Alarm
	s.Alarm = ""
	return append(all, change{ended: true, id: id, began: s.Since, at: s.Last, value: s.Peak, run: s.Run})
}

// same reports whether the state tells the same as another: while a condition holds, or does
// not, only the times of the last observation change.
func (s *state) same(as *state) bool {
	return s.Text == as.Text && s.Run == as.Run && s.Since.Equal(as.Since) && s.Peak == as.Peak && s.Alarm == as.Alarm &&
		s.Sent.Equal(as.Sent) && s.holds() == as.holds() && s.Seen.IsZero() == as.Seen.IsZero()
}

// holds reports whether the condition held at the last observation.
func (s *state) holds() bool { return !s.Since.IsZero() && s.Last.Equal(s.Seen) }
