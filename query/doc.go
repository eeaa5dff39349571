// Package query answers the questions people ask of the tables, as SQL: how
// many people a minute, who crossed which line, what was seen last, how long it took, and whatever
// they write themselves, read-only. It exports a run's detections, too, in the
// formats of MOT Challenge and COCO, row by row.
//
// Answers are Tables, written as aligned text, CSV or JSON. Times are UTC,
// RFC 3339. It promises to change nothing: every question is a read-only
// transaction with a time limit. Opening the database is left to others.
package query
