// Package migrations holds the database's schema as SQL files, numbered from
// 001, and brings a database up to it. The files have the form of tern's
// (github.com/jackc/tern): what is above "create above / drop below" goes up,
// what is below goes down, so its command line works on them too.
//
// A released file is never edited; a change is a new file. The table
// sightlog_version says how far a database is. Everything lies in one schema:
// where the search path finds a version table, else in the first of the search
// path, "public" unless --schema or the URL says otherwise. A schema that is
// named and missing is made; one that has tables of the same names that are
// not sightlog's is refused. Move takes the tables to another schema.
//
// Locks are held by transactions, never by sessions, for a pooler may stand in
// between.
//
// Partitions of days are no migrations: the function sightlog_ensure_day makes
// them, and package sink calls it.
package migrations
