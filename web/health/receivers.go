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
	var names []string
	var since *time.Time
	// Only the oldest message of a receiver is tried: those behind it wait, too.
	err := c.Pool.QueryRow(ctx, `SELECT coalesce(sum(waiting) FILTER (WHERE failing), 0), min(since) FILTER (WHERE failing),
			coalesce(array_agg(receiver ORDER BY receiver) FILTER (WHERE failing), '{}'), coalesce(sum(dead), 0)
		FROM (SELECT receiver, count(*) FILTER (WHERE dead_at IS NULL) AS waiting, min(created_at) FILTER (WHERE dead_at IS NULL) AS since,
				coalesce(bool_or(dead_at IS NULL AND attempts > 0), false) AS failing,
				count(*) FILTER (WHERE dead_at > now() - interval '1 day') AS dead
			FROM alarm_deliveries WHERE sent_at IS NULL AND receiver = ANY($1) GROUP BY receiver) r`, f.Receivers).Scan(&waiting, &since, &names, &dead)
	if err != nil {
		c.Log.Debug("health: receivers", "err", err) // the database's part says so
	}
	switch {
	case len(f.ReceiverProblems) > 0 || waiting > 0:
		p.Level = Warning
		p.Detail = strings.Join(f.ReceiverProblems, "; ")
		if p.Detail == "" {
			p.Detail = strings.Join(names, ", ") + ": messages are not taken"
		}
		if waiting > 0 {
			p.Detail += fmt.Sprintf("; %s, the oldest of %s", count(waiting, "message waits", "messages wait"), since.UTC().Format("2 January 15:04 UTC"))
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
