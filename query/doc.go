// Package query runs queries on the tables: the reports in Reports (people a minute,
// crossings of lines, the newest sightings, latency), and a user's own SQL, read-only. It
// also exports a run's detections in the formats of MOT Challenge and COCO.
//
// Rows are written as they come, as aligned text, CSV or JSON: the size of an answer is
// bounded by neither memory nor time. If the reader stops reading, or the context ends,
// the statement ends in the server. Times are UTC, RFC 3339. In aligned text no value can
// control the terminal it is shown on; CSV and JSON have values unchanged.
//
// It promises to change nothing: every query is one statement that begins with a word of
// a query, in a read-only transaction. On the private database its role can only read
// (package postgres). On another database the role is that of the URL, and its rights
// decide about functions that end the role's other sessions, take advisory locks, emit
// WAL or, for a superuser, read files. Give a role there that can only read. Opening the
// database belongs to package database.
package query
