package alarm

import (
	"time"

	"github.com/sightlog/sightlog/alarm/rule"
)

// Found is an alarm that a rule would have made.
type Found struct {
	Message
	Unsent string // cooldown: it would have been recorded and not sent
}

// replay is that of one rule.
type replay struct {
	r            *rule.Rule
	since, until time.Time
	sent         time.Time // beginning of the last alarm that would have been sent
	found        []Found
}

// add notes changes.
func (p *replay) add(all ...change) {
	for _, c := range all {
		m := message(p.r, c)
		if !c.ended {
			f := Found{Message: m}
			if end := momentOf(p.r, c); end != nil {
				f.EndedAt = end
			} else if !p.sent.IsZero() && c.began.After(p.sent) && c.began.Sub(p.sent) < p.r.Cooldown {
				f.Unsent = "cooldown"
			} else {
				p.sent = c.began
			}
			p.found = append(p.found, f)
			continue
		}
		for i := range p.found {
			if p.found[i].ID == m.ID {
				p.found[i].EndedAt, p.found[i].Value = m.EndedAt, max(p.found[i].Value, m.Value)
			}
		}
	}
}
