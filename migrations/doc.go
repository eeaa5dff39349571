// Package migrations holds the database's schema as SQL files, numbered from
// 001, and brings a database up to it. The files are tern's
// (github.com/jackc/tern): what is above "create above / drop below" goes up,
// what is below goes down, so its command line works on them too.
//
// A released file is never edited; a change is a new file. The table
// sightlog_version says how far a database is. Everything lies in the first
// schema of the search path, "public" unless the URL says otherwise.
//
// Partitions of days are no migrations: the function sightlog_ensure_day makes
// them, and package sink calls it.
package migrations
