package query

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/parquet-go/parquet-go"

	"github.com/sightlog/sightlog/usage"
)

// rowGroup is how many rows a row group of a Parquet file has: so many are in memory.
const rowGroup = 1 << 16

// parquetFormat writes a file of Apache Parquet (format 2, Snappy).
type parquetFormat struct {
	w       io.Writer
	out     *parquet.GenericWriter[any]
	columns []parquetColumn
	line    parquet.Row
}

// parquetColumn converts the text of a column's cells.
type parquetColumn struct {
	name  string
	node  parquet.Node
	value func(string) (parquet.Value, error)
}

// orderedGroup is a schema whose columns keep their order; that of a Group is
// alphabetical.
type orderedGroup struct {
	parquet.Group
	fields []parquet.Field
}

func (g orderedGroup) Fields() []parquet.Field { return g.fields }

func (f *parquetFormat) head(columns []column) error {
	group := make(parquet.Group)
	for _, c := range columns {
		p := parquetType(c.oid)
		p.name = c.name
		if _, twice := group[c.name]; twice {
			return usage.New("name it with AS", "a Parquet file cannot have two columns %q", c.name)
		}
		group[c.name] = parquet.Optional(p.node)
		f.columns = append(f.columns, p)
	}
	byName := make(map[string]parquet.Field)
	for _, field := range group.Fields() {
		byName[field.Name()] = field
	}
	ordered := orderedGroup{Group: group}
	for _, c := range columns {
		ordered.fields = append(ordered.fields, byName[c.name])
	}
	f.out = parquet.NewGenericWriter[any](f.w, parquet.NewSchema("answer", ordered), parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(rowGroup))
	f.line = make(parquet.Row, len(columns))
	return nil
}

func parquetType(oid uint32) parquetColumn {
	switch oid {
	case pgtype.BoolOID:
		return parquetColumn{node: parquet.Leaf(parquet.BooleanType), value: func(s string) (parquet.Value, error) {
			return parquet.BooleanValue(s == "true"), nil
		}}
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.OIDOID:
		return parquetColumn{node: parquet.Int(64), value: func(s string) (parquet.Value, error) {
			n, err := strconv.ParseInt(s, 10, 64)
			return parquet.Int64Value(n), err
		}}
	case pgtype.Float4OID, pgtype.Float8OID, pgtype.NumericOID:
		return parquetColumn{node: parquet.Leaf(parquet.DoubleType), value: func(s string) (parquet.Value, error) {
			n, err := strconv.ParseFloat(s, 64)
			return parquet.DoubleValue(n), err
		}}
	case pgtype.TimestamptzOID:
		return parquetColumn{node: parquet.Timestamp(parquet.Microsecond), value: func(s string) (parquet.Value, error) {
			at, err := time.Parse(time.RFC3339Nano, s)
			return parquet.Int64Value(at.UnixMicro()), err
		}}
	}
	return parquetColumn{node: parquet.String(), value: func(s string) (parquet.Value, error) {
		return parquet.ByteArrayValue([]byte(s)), nil
	}}
}

func (f *parquetFormat) row(cells []any) error {
	for i, v := range cells {
		if v == nil {
			f.line[i] = parquet.NullValue().Level(0, 0, i)
			continue
		}
		value, err := f.columns[i].value(text(v))
		if err != nil {
			return usage.Wrap(err, "cast it to text", "column %q has a value that its type in a Parquet file has not: %s", f.columns[i].name, text(v))
		}
		f.line[i] = value.Level(0, 1, i)
	}
	_, err := f.out.WriteRows([]parquet.Row{f.line})
	return err
}

func (f *parquetFormat) end() error {
	if err := f.out.Close(); err != nil {
		return fmt.Errorf("finish the Parquet file: %w", err)
	}
	return nil
}
