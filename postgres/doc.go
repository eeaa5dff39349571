// Package postgres gives sightlog its database: it opens one by URL, or starts a private
// one from the PostgreSQL programs installed on the host.
//
// The private cluster of a data directory:
//
//	DIR/postgres/            the cluster directory, 0700, owned by the server user
//	DIR/postgres/data        the cluster (PGDATA); data.new while it is created
//	DIR/postgres/run         the unix socket, 0700: the only way in, no TCP
//	DIR/postgres/server.log  the server's log
//	DIR/postgres/lock        held by the sightlog that started the server
//
// PostgreSQL refuses to run as root. For root the server user is the owner of DIR, or for
// root's own DIR "postgres" or "nobody". If that user cannot reach DIR, the cluster
// directory is below /var/lib/sightlog and DIR/postgres.location names it.
//
// If the path of run is too long for a socket, or has a character with a meaning in a
// list of directories or in a URL, the socket is in a directory for temporary files, and
// DIR/postgres/run.location names that.
//
// Files outside of DIR record which directory they belong to (Location: path, device,
// inode), so that a copy of DIR never works on the original's: a cluster directory
// outside has directory.json, and refuses a copy; run.location names the cluster
// directory it was written for, and a copy gets a new socket directory. A renamed DIR is
// the same directory. Whoever connects by a directory checks the server's data directory
// and its cluster's system identifier. The id of the data directory is a setting of the
// database (Identify).
//
// Root does nothing by path below a cluster directory, whose owner could create links
// there. It works through the opened directory (os.Root), which follows no link out of
// it; it replaces files instead of writing them in place; and it changes the owner only
// of a directory that it has just created, through its descriptor. Anything else is
// refused with one line. A link in place of DIR/postgres is followed only if root created
// it. Package datadir owns DIR itself.
//
// The owner of the tables is the role "sightlog". Queries run as "sightlog_reader", which
// can read everything that "sightlog" has and nothing else: no writes, no files, no
// signals to other sessions, no advisory locks, no large objects, no other role. Clients
// of the private server are configured field by field: neither the environment
// (PGSERVICE, PGTARGETSESSIONATTRS, …) nor a file in the user's home directory has an
// effect.
//
// The server's processes do not share memory in /dev/shm, which may be missing,
// read-only or small in a container.
//
// A start waits while the server reports that it recovers or cannot be reached yet, and
// logs that after two seconds. An error that waiting cannot fix is returned at once. A
// query that waits for a lock is logged after two seconds as well, and is cancelled in
// the server when its context ends (Options.ReadOnly).
//
// It promises:
//   - an incomplete cluster is never used.
//   - a server that outlived its sightlog is found again, not started twice. On Linux
//     none does: the kernel ends it with the process that started it.
//   - process ids that a power cut or a killed container left in the server's files do
//     not prevent a start.
//   - Stop returns when the server has ended.
//
// Users who can pass the 0700 directory (the server user and root) are trusted; nobody
// else reaches the socket.
//
// Every pool uses UTF-8 and UTC, whatever the database, the role or the environment sets.
// A pooler that gives each transaction another session (pgbouncer) is recognised: then
// statements have no names, and no setting of a session is relied upon.
//
// A URL may name the schema of the tables: "schema=eyes" searches it alone,
// "search_path=a,b" is the server's own list. Poolers pass on neither; there the role's
// setting has to have it, and Open checks that it does.
//
// OpenCluster and Restore read and create the files of a cluster, for archives; Adopt
// assigns the database of a copied directory to the copy. The tables belong to package
// migrations.
package postgres
