package sink

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// errorClass is the reaction to the error of a write.
type errorClass int

const (
	good       errorClass = iota
	fenced                // another sink moved the offset: read on from the row
	badRecord             // a record's content: find the record, make it a dead letter
	repeated              // an event that the tables hold: compare them
	retryLater            // the database's or the network's fault: try again later
)

// classify returns the class of err. An error that is not known to be caused by a
// record is retried: a record that is rejected wrongly is missing in the tables, one
// that waits is not.
func classify(err error) errorClass {
	if err == nil {
		return good
	}
	var pg *pgconn.PgError
	if errors.Is(err, errUnordered) {
		return repeated
	}
	if !errors.As(err, &pg) {
		return retryLater // the connection, a timeout, or a fault of ours
	}
	switch {
	case pg.Code == "SL001":
		return fenced // raised by sightlog_advance_offsets
	case pg.Code == "23514" && pg.ConstraintName == "":
		return retryLater // no partition takes the row: somebody dropped the default one
	case pg.Code == "23502":
		return retryLater // we send no NULL where one is forbidden: somebody added a column
	case pg.Code == repeatedFrames, isRepeated(pg):
		return repeated
	case strings.HasPrefix(pg.Code, "22"), strings.HasPrefix(pg.Code, "23"):
		return badRecord // data exception, integrity constraint violation
	}
	return retryLater // 08 connection, 40 deadlock, 42 rights and missing tables, 53 resources, 57 shutdown, …
}

// reason is the text of err, with what to do about tables that somebody has changed.
func reason(err error) string {
	switch code := sqlstate(err); {
	case code == insufficientPrivilege:
		return err.Error() + "; give the role its right back, or connect as the owner of the tables"
	case strings.HasPrefix(code, "42"), code == "23502", code == "23514":
		return err.Error() + "; somebody has changed the tables: change them back, or fill an empty schema from the log (--schema)"
	}
	return err.Error()
}

// sqlstate is the code in err, or "".
func sqlstate(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// mayHaveCommitted reports whether the transaction may have been committed although
// err was returned: the answer was lost.
func mayHaveCommitted(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return strings.HasPrefix(pg.Code, "57P") // the server shuts down; this may have come after the commit
	}
	return !pgconn.SafeToRetry(err)
}

// SQLSTATEs that are looked for by name.
const (
	keyViolation     = "23505"
	missingReference = "23503"

	insufficientPrivilege = "42501"
	repeatedFrames        = "SL002" // raised by sightlog_repeated
)

// errUnordered means that sightings of one transaction that become no rows, so that no
// primary key compares them, may be the same.
var errUnordered = errors.New("sightings of a run are not in order")

// isRepeated reports whether the primary key of a sighting exists already.
func isRepeated(pg *pgconn.PgError) bool {
	return pg.Code == keyViolation && strings.HasSuffix(pg.ConstraintName, "_pkey") && strings.HasPrefix(pg.TableName, "sightings")
}
