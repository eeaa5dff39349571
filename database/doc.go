// Package database opens the database that a command works on: the one of its URL,
// or the private one of a data directory, through the process that serves it or by
// starting its server for the duration of a query.
//
// Queries get connections that can only read: the role sightlog_reader of the
// private database; elsewhere the URL's role in read-only transactions. Whoever
// writes opens the database with its tables created or updated (OpenMigrated). A query
// that starts the private server updates them, too, as an upgraded program has to; but
// not root's in the directory of another user, which changes no file outside of postgres/
// and is refused if the tables have another version.
//
// It leaves the server to package postgres, the tables to package migrations and
// the directory to package datadir.
package database
