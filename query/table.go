package query

import (
	"fmt"
	"io"
)

// Table is an answer that is in memory. A cell is nil for NULL, a json.Number,
// a bool, a json.RawMessage for a value of type json, or a string for anything
// else.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Write writes the table in one of Formats.
func (t *Table) Write(w io.Writer, format string) error {
	out, err := newOutput(w, format)
	if err != nil {
		return err
	}
	if err := t.writeTo(out); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (t *Table) writeTo(out *output) error {
	columns := make([]column, len(t.Columns))
	for i, name := range t.Columns {
		columns[i].name = name
	}
	if err := out.head(columns); err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := out.row(row); err != nil {
			return err
		}
	}
	return out.end()
}
