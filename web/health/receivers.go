package health

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sightlog/sightlog/pipeline"
)

// receivers says whether the receivers of alarms take their messages, and what waits for them.
// There is no part without receivers.
func (c *Config) receivers(ctx context.Context, f pipeline.Facts) (p Part, are bool) {
	if len(f.Receivers) == 0 {
		return p, false
	}
	p = Part{Name: "receivers", Level: OK, Detail: count(len(f.Receivers), "receiver of alarms takes", "receivers of alarms take") + " what is sent."}
	var waiting, dead int
	var since *time.Time
	err := c.Pool.QueryRow(ctx, `SELECT count(*) FILTER (WHERE dead_at IS NULL AND attempts > 0), min(created_at) FILTER (WHERE dead_at IS NULL AND attempts > 0),
			count(*) FILTER (WHERE dead_at > now() - interval '1 day')
		FROM alarm_deliveries WHERE sent_at IS NULL AND receiver = ANY($1)`, f.Receivers).Scan(&waiting, &since, &dead)
	if err != nil {
		c.Log.Debug("health: receivers", "err", err) // the database's part says so
	}
	switch {
	case len(f.ReceiverProblems) > 0 || waiting > 0:
		p.Level = Warning
		p.Detail = strings.Join(f.ReceiverProblems, "; ")
		if p.Detail == "" {
			p.Detail = "A receiver does not take its messages"
		}
		if waiting > 0 {
			p.Detail += fmt.Sprintf("; %s since %s", count(waiting, "message waits", "messages wait"), since.UTC().Format("2 January 15:04 UTC"))
		}
		p.Detail += "."
		p.Fix = "Check its address, login and network: sightlogd alarm test NAME says what it answers. Messages are tried again until it takes them."
	case dead > 0:
		p.Level = Warning
		p.Detail = count(dead, "message was", "messages were") + " refused or given up within a day."
		p.Fix = "sightlogd alarm list says why; correct the receiver in the configuration."
	}
	return p, true
}
