package catchup

import (
	"context"
	"fmt"

	"github.com/sightlog/sightlog/bench/result"
)

// verify compares the tables with what was sent, and adds to the report's account of it.
func (r *run) verify(ctx context.Context, after string, sent int, live bool) error {
	var stored, keys, objects int64
	err := r.Pool.QueryRow(ctx, `SELECT count(*), count(DISTINCT (run_id, seq)), coalesce(sum(objects), 0)
		FROM sightings WHERE (captured_at >= $1) = $2`, origin.AddDate(1, 0, 0), live).Scan(&stored, &keys, &objects)
	if err != nil {
		return fmt.Errorf("count the rows: %w", err)
	}
	c := &r.report.Correct
	c.Sent += int64(sent)
	c.Stored += keys
	c.Duplicates += stored - keys
	c.Missing += int64(sent) - keys
	if want := int64(sent) * int64(r.People); objects != want {
		c.Problems = append(c.Problems, fmt.Sprintf("after %s the tables hold %d detections, not %d", after, objects, want))
	}
	return check(*c)
}

// check returns an error unless all that was sent is there once.
func check(c result.Correctness) error {
	switch {
	case c.OK():
		return nil
	case len(c.Problems) > 0:
		return fmt.Errorf("no figures: %s", c.Problems[0])
	}
	return fmt.Errorf("no figures: of %d sightings sent the tables hold %d, %d of them twice", c.Sent, c.Stored, c.Duplicates)
}
