package sink

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// verdict says what to do about an error of a write.
type verdict int

const (
	good     verdict = iota
	fenced           // another sink moved the offset: read on from the row
	content          // a record's content: find it, bury it
	repeated         // an event that the tables hold: compare them
	wait             // the database's or the network's fault: try again later
)

// judge says what to do about err. Whatever is not known to be a record's
// fault is waited out: a record that is buried wrongly is lost to the tables,
// one that waits is not.
func judge(err error) verdict {
	if err == nil {
		return good
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return wait // the connection, a timeout, or a fault of ours
	}
	switch {
	case pg.Code == "SL001":
		return fenced // raised by sightlog_advance
	case pg.Code == "23514" && pg.ConstraintName == "":
		return wait // no partition takes the row: somebody dropped the default one
	case pg.Code == "23502":
		return wait // we send no NULL where one is forbidden: somebody added a column
	case isRepeated(pg):
		return repeated
	case strings.HasPrefix(pg.Code, "22"), strings.HasPrefix(pg.Code, "23"):
		return content // data exception, integrity constraint violation
	}
	return wait // 08 connection, 40 deadlock, 42 rights and missing tables, 53 resources, 57 shutdown, …
}

// sqlstate is the code in err, or "".
func sqlstate(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// mayHaveCommitted reports that err does not tell whether the transaction was
// committed: the answer was lost.
func mayHaveCommitted(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "57P") // the server is going; it may have said so after the commit
	}
	return !pgconn.SafeToRetry(err)
}
