package query

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sightlog/sightlog/usage"
)

// Formats that Write knows.
var Formats = []string{"table", "csv", "json"}

// Table is the answer to a question. A cell is nil for NULL, a json.Number, a
// bool, a json.RawMessage for a value of type json, or a string for anything
// else.
type Table struct {
	Columns []string
	Rows    [][]any
}

// Write writes the table in a format: "table" is aligned text for people,
// "csv" RFC 4180 with a header, NULL an empty field, "json" an array with an
// object a row, its keys in the order of the columns.
func (t *Table) Write(w io.Writer, format string) error {
	var err error
	switch format {
	case "", "table":
		err = t.writeText(w)
	case "csv":
		err = t.writeCSV(w)
	case "json":
		err = t.writeJSON(w)
	default:
		return usage.New("use "+strings.Join(Formats, ", "), "--format %q is not known", format)
	}
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (t *Table) writeText(w io.Writer) error {
	width := make([]int, len(t.Columns))
	right := make([]bool, len(t.Columns)) // numbers line up at their ends
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = printable(c)
		width[i] = utf8.RuneCountInString(head[i])
		right[i] = len(t.Rows) > 0
	}
	cells := make([][]string, len(t.Rows))
	for n, row := range t.Rows {
		cells[n] = make([]string, len(row))
		for i, v := range row {
			s := printable(text(v))
			cells[n][i] = s
			width[i] = max(width[i], utf8.RuneCountInString(s))
			if _, ok := v.(json.Number); !ok && v != nil {
				right[i] = false
			}
		}
	}
	var b strings.Builder
	line := func(cells []string) {
		start := b.Len()
		for i, s := range cells {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(s))
			if i > 0 {
				b.WriteString("  ")
			}
			if right[i] {
				b.WriteString(pad + s)
			} else {
				b.WriteString(s + pad)
			}
		}
		trimmed := strings.TrimRight(b.String()[start:], " ")
		s := b.String()[:start] + trimmed + "\n"
		b.Reset()
		b.WriteString(s)
	}
	line(head)
	for _, row := range cells {
		line(row)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printable shows control characters as \x.., so that a value cannot steer the
// terminal it is shown on.
func printable(s string) string {
	if strings.IndexFunc(s, unicode.IsControl) < 0 {
		return s
	}
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

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

func (t *Table) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	if err := c.Write(t.Columns); err != nil {
		return err
	}
	rec := make([]string, len(t.Columns))
	for _, row := range t.Rows {
		for i, v := range row {
			rec[i] = text(v)
		}
		if err := c.Write(rec); err != nil {
			return err
		}
	}
	c.Flush()
	return c.Error()
}

func (t *Table) writeJSON(w io.Writer) error {
	keys := make([][]byte, len(t.Columns))
	for i, c := range t.Columns {
		k, err := json.Marshal(c)
		if err != nil {
			return err
		}
		keys[i] = append(k, ':')
	}
	b := []byte("[")
	for n, row := range t.Rows {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(b, "\n  {"...)
		for i, v := range row {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = append(append(b, keys[i]...), ' ')
			cell, err := json.Marshal(v)
			if err != nil {
				return err
			}
			b = append(b, cell...)
		}
		b = append(b, '}')
	}
	if len(t.Rows) > 0 {
		b = append(b, '\n')
	}
	_, err := w.Write(append(b, "]\n"...))
	return err
}
