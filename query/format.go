package query

import (
	"encoding/json"
	"fmt"
)

// column is a column of an answer: its name and the type in PostgreSQL, 0 for text.
type column struct {
	name string
	oid  uint32
}

// format lays the rows of one answer out. A row's cells, as in a Table, are
// valid only during the call.
type format interface {
	head(columns []column) error
	row(cells []any) error
	end() error
}

// text is a cell as the formats table and csv show it.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.RawMessage:
		return string(v)
	}
	return fmt.Sprint(v)
}
