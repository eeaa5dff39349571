package sink

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/usage"
)

// checkTimeZone returns a *usage.Error for a time zone that the database does not know.
func checkTimeZone(ctx context.Context, tx pgx.Tx, of, tz string) error {
	var known bool
	if err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $1)", tz).Scan(&known); err != nil {
		return err
	}
	if !known {
		return usage.New("give a name as Europe/Berlin; sightlog query sql 'SELECT name FROM pg_timezone_names' lists them",
			"%s: the database does not know the time zone %q", of, tz)
	}
	return nil
}
