package query

// Statement returns the question's SQL with its arguments, for EXPLAIN.
func (q Question) Statement() (string, []any) {
	if q.sql == nil {
		return q.own, nil
	}
	s := &statement{Filter: q.filter}
	sql := q.sql(s)
	return sql, s.args
}
