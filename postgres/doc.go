// Package postgres gives sightlog its database: it opens one by URL, or starts
// a private one from the PostgreSQL programs installed on the host.
//
// The private cluster of a data directory:
//
//	DIR/postgres/            home, 0700, owned by the user the server runs as
//	DIR/postgres/data        the cluster (PGDATA); data.new while it is made
//	DIR/postgres/run         the unix socket, 0700: the only way in, no TCP
//	DIR/postgres/server.log  what the server says
//	DIR/postgres/lock        held by the sightlog that started the server
//
// PostgreSQL refuses to run as root, so for root it runs as the user whose
// directory it is, or for root's own as "postgres" or "nobody". Where that user cannot reach DIR, the home lies below
// /var/lib/sightlog and DIR/postgres.location names it.
//
// Where the path of run is too long for a socket, or has a sign that means
// something in a list of directories or in a URL, the socket lies in a directory
// of its own where temporary files are, and DIR/postgres/run.location names it.
//
// What lies outside of DIR says whose it is (Place: path, device, inode), so that
// a copy of DIR never works on what is the original's: a home outside has
// directory.json, and refuses a copy; run.location names the home it was written
// for, and in a copy the socket's directory is made anew. A renamed DIR is the
// same. Whoever connects by a directory asks the server for its data directory.
// The id of the data directory is a setting of the database (Identify).
//
// Root does nothing by path below a home, whose user could put links there:
// all goes through the opened directory (os.Root), which no link leads out of;
// files are replaced, not written in place; a directory changes its owner
// through its descriptor, and only one that root made. What is found otherwise
// is refused with one line. A link in place of DIR/postgres is followed only if
// root made it. Package pipeline looks after DIR itself.
//
// The owner of the tables is the role "sightlog"; questions are asked as
// "sightlog_reader", which reads all that "sightlog" has and can do nothing
// else: no writes, no files, no signals to other sessions, no advisory locks, no
// large objects, and no role to change to. How clients of the private server
// connect is set field by field: neither the environment (PGSERVICE,
// PGTARGETSESSIONATTRS, …) nor a file in the home directory has a say.
//
// Memory that the server's processes share does not lie in /dev/shm, which may
// be missing, read-only or small in a container.
//
// A start waits while the server says that it recovers or cannot be heard yet,
// and says so after two seconds; what waiting cannot mend is an error at once.
//
// It promises: a cluster that is half made is never used; a server that
// outlived its sightlog is found again, not started twice (on Linux none does: the
// kernel ends it with the process that started it); numbers of processes
// that a power cut or a killed container left in its files keep nothing from
// starting; Stop returns when the server is gone. Who can pass the 0700 directory (the user the server
// runs as, and root) is trusted; nobody else reaches the socket.
//
// Every pool speaks UTF-8 and UTC, whatever the database, the role or the
// environment says. A pooler that gives each transaction another session
// (pgbouncer) is recognised: then no statement has a name. What is set for a
// session does not last there, and nobody here sets any.
//
// A URL may name the schema of the tables: "schema=eyes" searches it alone,
// "search_path=a,b" is the server's own list. Poolers pass on neither; there
// the role's setting has to say it, and Open checks that it does.
//
// OpenCluster and Restore read and make the files of a cluster, for archives;
// Adopt makes a copy's database its own.
//
// The tables are left to package migrations.
package postgres
