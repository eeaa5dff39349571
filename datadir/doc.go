// Package datadir holds the data directory: its lock, its identity, its endpoints,
// and how it is copied, moved and inspected.
//
//	sightlog.json  the format, the directory's id and its place
//	lock           held by the process that owns the directory
//	endpoints.json the addresses of its broker and database, while it runs
//	log/           the bundled broker's files (package broker)
//	postgres/      the private database's files (package postgres)
//
// One process owns a directory at a time (Dir, from Open to Close). The lock is one
// of the open file (fcntl, F_OFD_SETLK): another process can ask who holds it
// without taking it, and the kernel releases it when its owner is killed.
//
// The id says which log and which database belong together: it is the log's cluster
// id and a setting of the database, and is compared at every start. The place (path,
// device, inode) says which copy of the directory it is: a renamed directory is the
// same one, a copy is refused until Adopt makes it a directory of its own.
//
// A directory belongs to the user who owns sightlog.json. When root opens it, the
// process becomes that user.
//
// Export writes log and database, as they are at one moment, into one archive;
// Import creates a directory from it, completely or not at all.
package datadir
