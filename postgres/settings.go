package postgres

import (
	"fmt"
	"strings"
)

// settings returns the private server's configuration: durable, small, for two cores and
// many partitions. It is rewritten at each start; a user's own settings belong into
// local.conf in the cluster's data directory, which is read last.
func settings(socketDir string) string {
	var b strings.Builder
	b.WriteString("# Written by sightlog at each start. Put your own settings into local.conf.\n")
	for _, s := range [][2]string{
		// One way in: the socket in its 0700 directory.
		{"listen_addresses", ""},
		{"port", "5432"},
		{"unix_socket_directories", socketDir},
		{"unix_socket_permissions", "0700"},
		{"max_connections", "40"},

		// A committed transaction is on disk.
		{"fsync", "on"},
		{"synchronous_commit", "on"},
		{"full_page_writes", "on"},

		// No replicas: the least WAL, and no process that sends it.
		{"wal_level", "minimal"},
		{"max_wal_senders", "0"},
		{"min_wal_size", "80MB"},
		{"max_wal_size", "1GB"},
		{"checkpoint_timeout", "15min"},

		// The processes of one query share memory of System V, which the server needs
		// in any case to start, and not /dev/shm: a container's may be missing,
		// read-only, or 64 MB, which a hash join of a million rows exceeds.
		{"dynamic_shared_memory_type", "sysv"},

		{"shared_buffers", "64MB"},
		{"work_mem", "16MB"},
		{"maintenance_work_mem", "64MB"},
		{"max_worker_processes", "4"},
		{"max_parallel_workers", "2"},
		{"max_parallel_workers_per_gather", "1"},
		{"autovacuum_max_workers", "1"},
		{"max_locks_per_transaction", "256"}, // a question may touch a year of day partitions
		{"random_page_cost", "1.1"},
		{"jit", "off"},

		{"timezone", "UTC"},
		{"log_timezone", "UTC"},
		{"lc_messages", "C"},
		{"log_min_messages", "warning"},
		{"log_line_prefix", "%m [%p] "},
		{"log_checkpoints", "off"},
	} {
		fmt.Fprintf(&b, "%s = '%s'\n", s[0], strings.ReplaceAll(s[1], "'", "''"))
	}
	b.WriteString("include_if_exists = 'local.conf'\n")
	return b.String()
}

// hba trusts every local connection: only users who can pass the socket's directory
// can make one.
const hba = "# Written by sightlog. The socket lies in a directory of mode 0700.\nlocal all all trust\n"
