package full

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/query"
)

// compareRecounts prints how far recounts are from the answers of audit id.
func compareRecounts(ctx context.Context, w io.Writer, db *pgxpool.Pool, id int32) error {
	found, err := audit.Compare(ctx, db, id)
	if err != nil {
		return err
	}
	t := &query.Table{Columns: []string{"recount", "score", "made_at", "errors", "errors_held_out"}}
	for _, k := range found.All {
		row := []any{int64(k.Recount), nil, nil, int64(k.Odd), int64(k.Even)}
		if k.Recount == 0 {
			row[0] = "(the time's)"
		}
		if k.Score != nil {
			row[1] = *k.Score
		}
		if k.MadeAt != nil {
			row[2] = k.MadeAt.UTC().Format(time.RFC3339)
		}
		t.Rows = append(t.Rows, row)
	}
	if err := t.Write(w, "table"); err != nil {
		return err
	}
	best, before, rest := found.Best(), found.All[0], found.Items-found.OddItems
	if best.Recount == 0 {
		_, err = fmt.Fprintf(w, "no recount has fewer errors at half of the answers (%d)\n", found.OddItems)
		return err
	}
	_, err = fmt.Fprintf(w, "recount %d has the fewest errors at half of the answers (%d): %d, were %d; at the others, which did not choose it (%d): %d, were %d\n",
		best.Recount, found.OddItems, best.Odd, before.Odd, rest, best.Even, before.Even)
	return err
}
