// Package migrations has the database's schema as SQL files, numbered from 001, and
// migrates a database to it. The files have the form of tern's (github.com/jackc/tern):
// the part above "create above / drop below" goes up, the part below goes down, so that
// its command line works on them too; 005, which copies the tables, only goes up.
//
// A released file is never edited; a change is a new file. The table sightlog_version has
// the number of the last migration of a database. All relations are in one schema: that of
// an existing version table on the search path, else the first of the search path, which
// is "public" unless --schema or the URL says otherwise. A schema that is named and
// missing is created; one with tables of the same names that are not sightlog's is
// refused. Move moves the tables to another schema.
//
// Locks belong to transactions, never to sessions, which a pooler may share.
//
// The partitions of days are not migrations: package sink creates them with the function
// sightlog_ensure_day.
package migrations
