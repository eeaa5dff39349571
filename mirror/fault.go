package mirror

import "errors"

// errTopicsChanged ends a session: the source has topics or partitions that it did not have.
var errTopicsChanged = errors.New("the topics of the source have changed")

// errOtherLog ends a session: the record before a position is not the one that was mirrored.
var errOtherLog = errors.New("the log is not the one that was mirrored")

// targetError is an error of the target; others are of the source.
type targetError struct{ error }

func (e targetError) Unwrap() error { return e.error }

func atTarget(err error) error {
	if err == nil {
		return nil
	}
	return targetError{err}
}
