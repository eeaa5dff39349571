package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/sightlog/sightlog/usage"
)

// idSetting is the setting of Database with the id of its data directory. Every session
// can read it.
const idSetting = "sightlog.directory"

// Identify checks that the database belongs to the data directory with this id (letters,
// digits, - and _). A new database gets the id. One with another id is a *usage.Error,
// unless adopt is set: then it gets the id too.
func (p *Private) Identify(ctx context.Context, id string, adopt bool) error {
	conn, err := connect(ctx, p.clusterDir.url(p.socket, super, Database))
	if err != nil {
		return fmt.Errorf("ask whose the private database is: %w", err)
	}
	defer conn.Close(ctx)
	var has string
	if err := conn.QueryRow(ctx, "SELECT coalesce(current_setting($1, true), '')", idSetting).Scan(&has); err != nil {
		return fmt.Errorf("ask whose the private database is: %w", err)
	}
	switch {
	case has == id:
		return nil
	case has != "" && !adopt:
		return usage.Wrap(ErrForeign, "put its own back, or, if they are meant to be together: sightlog data adopt",
			"the private database in %s is that of the data directory %s, not of %s", p.clusterDir.dir, has, id)
	}
	_, err = conn.Exec(ctx, "ALTER DATABASE "+Database+" SET "+pgx.Identifier{"sightlog", "directory"}.Sanitize()+" = '"+id+"'")
	if err != nil {
		return fmt.Errorf("note whose the private database is: %w", err)
	}
	return nil
}
