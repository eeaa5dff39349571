package query

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// ExportFormats are the formats of Export.Write.
var ExportFormats = []string{"mot", "coco"}

// Write writes the run's detections in one of ExportFormats, row by row as
// they come from the database, from one snapshot of it.
func (e *Export) Write(ctx context.Context, db *pgxpool.Pool, w io.Writer, format string) (n ExportStats, err error) {
	b := bufio.NewWriterSize(w, 1<<16)
	write := map[string]func(context.Context, pgx.Tx, *bufio.Writer) (ExportStats, error){"mot": e.mot, "coco": e.coco}[format]
	if write == nil {
		return n, usage.New("use "+strings.Join(ExportFormats, ", "), "--format %q is not known", format)
	}
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return n, fmt.Errorf("export run %s: %w", e.Run, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if n, err = write(ctx, tx, b); err == nil {
		err = b.Flush()
	}
	if err != nil {
		return n, fmt.Errorf("export run %s: %w", e.Run, err)
	}
	return n, nil
}
