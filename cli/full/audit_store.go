package full

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/audit"
)

// storeAnswers stores answers and prints the result.
func storeAnswers(ctx context.Context, w io.Writer, db *pgxpool.Pool, file *audit.File, name string) error {
	d, in, out, err := file.Answer(ctx, db, name)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "audit %d, camera %s, line %s\n%s\n%s\n", d.ID, d.Camera, d.Line, in.Sentence(audit.In), out.Sentence(audit.Out))
	return err
}
