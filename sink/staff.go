package sink

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// StaffRule takes tracks of a camera for staff or passers-by: those that begin in Zone, that
// last for LongerThan, or that begin in a time of the week. One of the three is set.
type StaffRule struct {
	Camera     string
	Zone       string
	LongerThan time.Duration
	Days       []int // 1 is Monday
	Starts     time.Duration
	Lasts      time.Duration
	TZ         string // of Starts and Days
}

// StoreStaff stores the rules of these cameras instead of those in the tables; those of
// other cameras stay. A time zone that the database does not know is a *usage.Error, and
// nothing is changed.
func StoreStaff(ctx context.Context, pool *pgxpool.Pool, cameras []string, rules []StaffRule) error {
	return replaceRows(ctx, pool, "staff_rules", func(tx pgx.Tx, b *pgx.Batch) error {
		b.Queue("DELETE FROM staff_rules WHERE camera = ANY ($1)", cameras)
		for _, r := range rules {
			if r.Lasts > 0 {
				if err := checkTimeZone(ctx, tx, "camera "+r.Camera+": staff", r.TZ); err != nil {
					return err
				}
			}
			r.queue(b)
		}
		return nil
	})
}

// queue adds the statement that inserts the rule.
func (r *StaffRule) queue(b *pgx.Batch) {
	switch {
	case r.Zone != "":
		b.Queue("INSERT INTO staff_rules (camera, rule, zone) VALUES ($1, 'zone', $2)", r.Camera, r.Zone)
	case r.LongerThan > 0:
		b.Queue("INSERT INTO staff_rules (camera, rule, longer_than) VALUES ($1, 'longer_than', $2::bigint * interval '1 us')", r.Camera, r.LongerThan.Microseconds())
	default:
		b.Queue(`INSERT INTO staff_rules (camera, rule, days, starts, lasts, tz)
			VALUES ($1, 'schedule', $2::integer[], time '00:00' + $3::bigint * interval '1 us', $4::bigint * interval '1 us', $5)`,
			r.Camera, r.Days, r.Starts.Microseconds(), r.Lasts.Microseconds(), r.TZ)
	}
}
