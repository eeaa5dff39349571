package query

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/internal/natural"
)

// Page is a part of a report's answer: the rows after the one with a key, in the order of
// the report. It is found by the key and not by a number of rows, so that no row is there
// twice, and none is left out, when others come in between.
type Page struct {
	Limit int      // rows at most
	After []string // the key of the row before; nil: from the first
}

// AnswerPage answers as Answer does, with the rows of a page, and returns the key of its last
// row if there are more. A report without an order has one page, which is the whole answer.
func (q Question) AnswerPage(ctx context.Context, db *pgxpool.Pool, w io.Writer, format string, page Page) (next []string, err error) {
	if len(q.order) == 0 {
		return nil, q.Answer(ctx, db, w, format)
	}
	out, err := newOutput(w, format)
	if err != nil {
		return nil, err
	}
	p, err := q.prepare(ctx, db)
	if err != nil {
		return nil, asked(ctx, err)
	}
	if p, err = p.page(q.order, page); err != nil {
		return nil, err
	}
	err = ask(ctx, db, p, func(rows pgx.Rows) error {
		columns := columnsOf(rows)
		last, more, err := copyRows(rows, out, page.Limit)
		if err == nil && more {
			next = key(last, columns, q.order)
		}
		return err
	})
	return next, asked(ctx, err)
}

// page narrows the statement to a page, and one row more if there is one.
func (p prepared) page(order []string, page Page) (prepared, error) {
	if page.After != nil && len(page.After) != len(order) {
		return p, fmt.Errorf("a key has %d columns, this one %d", len(order), len(page.After))
	}
	s := statement{args: slices.Clone(p.args), names: p.names}
	var columns, after []string
	for i, name := range order {
		column := pgx.Identifier{name}.Sanitize()
		if least, may := absent[name]; may {
			column = "coalesce(" + column + ", '" + least + "')"
		}
		place := func(value string) string { return value }
		if name == "camera" {
			if page.After != nil && !slices.Contains(s.names, page.After[i]) { // it has been deleted since
				s.names = natural.Sorted(slices.Values(append(slices.Clone(s.names), page.After[i])))
			}
			place = s.byName
		}
		columns = append(columns, place(column))
		if page.After != nil {
			after = append(after, place(s.arg(page.After[i])+"::"+string(kinds[name])))
		}
	}
	where := ""
	if len(after) > 0 {
		where = fmt.Sprintf("WHERE (%s) > (%s)", strings.Join(columns, ", "), strings.Join(after, ", "))
	}
	p.sql = fmt.Sprintf("SELECT * FROM (%s) q %s ORDER BY %s LIMIT %s", p.sql, where, strings.Join(columns, ", "), s.arg(page.Limit+1))
	p.args = s.args
	return p, nil
}

// absent are the columns of a key that may be null, and the value that stands for that: it is
// below all others.
var absent = map[string]string{"zone": "", "direction": "", "x": "-1", "y": "-1"}

// key returns the cells of a row's key.
func key(row []any, columns []column, order []string) []string {
	k := make([]string, len(order))
	for i, name := range order {
		v := row[slices.IndexFunc(columns, func(c column) bool { return c.name == name })]
		if k[i] = text(v); v == nil {
			k[i] = absent[name]
		}
	}
	return k
}
