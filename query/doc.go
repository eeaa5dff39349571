// Package query runs queries on the tables: the reports in Reports (people a minute,
// occupancy of zones, crossings of lines, balances of places, visits, gaps, heatmaps, the newest sightings,
// latency), and a user's own SQL, read-only. It also exports a run's detections in the
// formats of MOT Challenge and COCO.
//
// A report reads the tables of totals where they have what it needs: its cost then grows
// with the minutes that were watched, not with the frames. Every total carries its
// coverage: frames processed, seconds in which one was, frames dropped. A figure is 0 only
// where frames were processed, and null where none was.
//
// Rows are written as they come, as aligned text, CSV, JSON or Parquet: the size of an
// answer is bounded by neither memory nor time. If the reader stops reading, or the context
// ends, the statement ends in the server. Times are RFC 3339, in UTC or the filter's time
// zone. In aligned text no value can control the terminal it is shown on; the other formats
// have values unchanged.
//
// It promises to change nothing: every query is one statement that begins with a word of
// a query, in a read-only transaction. On the private database its role can only read
// (package postgres). On another database the role is that of the URL, and its rights
// decide about functions that end the role's other sessions, take advisory locks, emit
// WAL or, for a superuser, read files. Give a role there that can only read;
// docs/queries.md has the statements that make one. Opening the
// database belongs to package database.
package query
