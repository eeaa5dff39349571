package sink

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Horizon finds the time up to which the tables hold the log. The lag alone does not tell
// it: a log that is written to is never held to its end.
type Horizon struct {
	Client *kgo.Client
	Pool   *pgxpool.Pool
	Topics []string

	asked time.Time // when the ends were read that the tables do not hold yet
	ends  *logState
	known time.Time
}

// Time returns the newest time for which it is known that the tables hold all that the log
// held then; zero before there is one. It is called by one goroutine.
func (h *Horizon) Time(ctx context.Context) (time.Time, error) {
	if h.ends == nil {
		at, adm := time.Now(), kadm.NewClient(h.Client)
		log, err := readLog(ctx, adm, h.Topics)
		if err != nil {
			return time.Time{}, err
		}
		var there []string
		for t := range log.ids {
			there = append(there, t)
		}
		if len(there) > 0 {
			if err := log.readEnds(ctx, adm, there, true); err != nil {
				return time.Time{}, err
			}
		}
		h.asked, h.ends = at, log
	}
	rows, err := readRows(ctx, h.Pool, h.ends.cluster)
	if err != nil {
		return time.Time{}, err
	}
	for tp, span := range h.ends.spans {
		at, ok := rows[rowKey{h.ends.ids[tp.topic], tp.partition}]
		if !ok {
			at.next = span.start
		}
		if at.next < span.end {
			return h.known, nil
		}
	}
	h.known, h.ends = h.asked, nil
	return h.known, nil
}
