package sink

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// readColumnTypes returns the types of a table's columns.
func readColumnTypes(ctx context.Context, db querier, table string) (columnTypes, error) {
	rows, err := db.Query(ctx, `SELECT attname::text, atttypid FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped`, pgx.Identifier{table}.Sanitize())
	if err != nil {
		return nil, fmt.Errorf("read the types of %s: %w", table, err)
	}
	types := make(columnTypes)
	var name string
	var oid uint32
	_, err = pgx.ForEachRow(rows, []any{&name, &oid}, func() error { types[name] = oid; return nil })
	return types, err
}

// copyIn writes the rows with COPY.
func (t *table[R]) copyIn(ctx context.Context, tx pgx.Tx, rows []R, types columnTypes) error {
	names := make([]string, len(t.columns))
	for i, col := range t.columns {
		names[i] = pgx.Identifier{col.name}.Sanitize()
	}
	c := newCopier(t, rows, types, tx.Conn().TypeMap())
	_, err := tx.Conn().PgConn().CopyFrom(ctx, c, fmt.Sprintf("COPY %s (%s) FROM STDIN (FORMAT binary)",
		pgx.Identifier{t.name}.Sanitize(), strings.Join(names, ", ")))
	return err
}

// copyHeader and copyTrailer are the first and last bytes of COPY's binary format: its
// signature, flags and the length of an extension, and the number of columns of no row.
var (
	copyHeader  = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copyTrailer = []byte{0xff, 0xff}
)

// copier is the rows in COPY's binary format, encoded as they are read.
type copier[R any] struct {
	rows    []R // that are left
	columns []copyColumn[R]
	general *pgtype.Map
	b       []byte // encoded
	read    int    // of b
	ended   bool
}

type copyColumn[R any] struct {
	oid    uint32
	binary binaryFunc[R]
	one    func(*R) any
}

func newCopier[R any](t *table[R], rows []R, types columnTypes, general *pgtype.Map) *copier[R] {
	c := &copier[R]{rows: rows, general: general, b: append([]byte(nil), copyHeader...)}
	for _, col := range t.columns {
		c.columns = append(c.columns, copyColumn[R]{types[col.name], col.binary(), col.one})
	}
	return c
}

// Read implements io.Reader.
func (c *copier[R]) Read(p []byte) (int, error) {
	if c.read == len(c.b) {
		if c.ended {
			return 0, io.EOF
		}
		if c.read > 0 {
			c.b, c.read = c.b[:0], 0
		}
	}
	for len(c.rows) > 0 && len(c.b)-c.read < len(p) {
		if err := c.encode(&c.rows[0]); err != nil {
			return 0, err
		}
		c.rows = c.rows[1:]
	}
	if len(c.rows) == 0 && !c.ended {
		c.b, c.ended = append(c.b, copyTrailer...), true
	}
	n := copy(p, c.b[c.read:])
	c.read += n
	return n, nil
}

func (c *copier[R]) encode(row *R) error {
	c.b = binary.BigEndian.AppendUint16(c.b, uint16(len(c.columns)))
	for i := range c.columns {
		col := &c.columns[i]
		if b := col.binary(c.b, col.oid, row); b != nil {
			c.b = b
			continue
		}
		at := len(c.b)
		b, err := c.general.Encode(col.oid, pgtype.BinaryFormatCode, col.one(row), appendNull(c.b))
		switch {
		case err != nil:
			return err
		case b == nil: // null
			c.b = appendNull(c.b)
		default:
			c.b = b
			binary.BigEndian.PutUint32(c.b[at:], uint32(len(b)-at-4))
		}
	}
	return nil
}
