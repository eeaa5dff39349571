package query

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/sightlog/sightlog/usage"
)

// Formats of an answer: "table" is aligned text for a reader, with control
// characters escaped; "csv" is RFC 4180 with a header, NULL an empty field;
// "json" is an array with an object a row, its keys in the order of the
// columns; "parquet" is an Apache Parquet file, its columns bool, int64, double,
// timestamp in microseconds (UTC) or string, all nullable. csv, json and parquet carry
// the values as they are.
var Formats = []string{"table", "csv", "json", "parquet"}

// flushEvery bounds how long rows wait in the buffer while others come.
const flushEvery = 100 * time.Millisecond

// output is a format and the buffer that it writes into. It holds a bounded
// part of the answer, however many rows come.
type output struct {
	format
	w       *bufio.Writer
	flushed time.Time
}

func newOutput(w io.Writer, name string) (*output, error) {
	o := &output{w: bufio.NewWriterSize(w, 1<<16), flushed: time.Now()}
	switch name {
	case "", "table":
		o.format = &textFormat{w: o.w}
	case "csv":
		o.format = &csvFormat{w: csv.NewWriter(o.w)} // takes our buffer for its own
	case "json":
		o.format = &jsonFormat{w: o.w}
	case "parquet":
		o.format = &parquetFormat{w: o.w}
	default:
		return nil, usage.New("use "+strings.Join(Formats, ", "), "--format %q is not known", name)
	}
	return o, nil
}

func (o *output) row(cells []any) error {
	if err := o.format.row(cells); err != nil {
		return err
	}
	if now := time.Now(); now.Sub(o.flushed) >= flushEvery {
		o.flushed = now
		return o.w.Flush()
	}
	return nil
}

func (o *output) end() error {
	if err := o.format.end(); err != nil {
		return err
	}
	return o.w.Flush()
}

// flush writes the rows so far, also those that wait for the widths of the columns.
func (o *output) flush() error {
	if t, ok := o.format.(*textFormat); ok {
		if err := t.release(); err != nil {
			return err
		}
	}
	return o.w.Flush()
}

type csvFormat struct {
	w   *csv.Writer
	rec []string
}

func (f *csvFormat) head(columns []column) error {
	f.rec = make([]string, len(columns))
	for i, c := range columns {
		f.rec[i] = c.name
	}
	return f.w.Write(f.rec)
}

func (f *csvFormat) row(cells []any) error {
	for i, v := range cells {
		f.rec[i] = text(v)
	}
	return f.w.Write(f.rec)
}

func (f *csvFormat) end() error {
	f.w.Flush()
	return f.w.Error()
}

type jsonFormat struct {
	w    *bufio.Writer
	keys [][]byte
	line []byte
	rows int
}

func (f *jsonFormat) head(columns []column) error {
	f.keys = make([][]byte, len(columns))
	for i, c := range columns {
		k, err := json.Marshal(c.name)
		if err != nil {
			return err
		}
		f.keys[i] = append(k, ": "...)
	}
	return f.w.WriteByte('[')
}

func (f *jsonFormat) row(cells []any) error {
	b := f.line[:0]
	if f.rows > 0 {
		b = append(b, ',')
	}
	f.rows++
	b = append(b, "\n  {"...)
	for i, v := range cells {
		if i > 0 {
			b = append(b, ", "...)
		}
		cell, err := json.Marshal(v)
		if err != nil {
			return err
		}
		b = append(append(b, f.keys[i]...), cell...)
	}
	f.line = append(b, '}')
	_, err := f.w.Write(f.line)
	return err
}

func (f *jsonFormat) end() error {
	last := "]\n"
	if f.rows > 0 {
		last = "\n]\n"
	}
	_, err := f.w.WriteString(last)
	return err
}
