// Package query answers the questions people ask of the tables, as SQL: how
// many people a minute, who crossed which line, what was seen last, how long it took, and whatever
// they write themselves, read-only. It exports a run's detections, too, in the
// formats of MOT Challenge and COCO, row by row.
//
// An answer is written as it comes, as aligned text, CSV or JSON: its size is
// bounded by neither memory nor time, and its first row does not wait for its
// last. A reader that goes away, or a context that ends, ends the question on
// the server. Times are UTC, RFC 3339. In aligned text no value can steer the
// terminal it is shown on; CSV and JSON carry values as they are.
//
// It promises to change nothing: every question is one statement that begins
// as a question does, in a read-only transaction. On the private database it is
// asked by a role that can only read (package postgres). On another database
// the role is the one of its URL, and these are left to its rights: functions
// that end the role's other sessions, take advisory locks, emit WAL, or, for a
// superuser, read files. Give a role there that can only read. Opening the
// database is left to others.
package query
