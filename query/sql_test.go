package query

// Statement returns a report's SQL with its arguments, for EXPLAIN.
func (q Question) Statement() (string, []any) {
	s := &statement{Filter: q.filter}
	sql := q.sql(s)
	return sql, s.args
}
