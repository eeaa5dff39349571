// Package timescale has no code of sightlog's. Its tests run beside TimescaleDB: the SQL of
// docs/timescale.md, and the figures of docs/decisions/partitions.md. make test-timescale builds
// TimescaleDB, which Debian does not have, and runs them, and those of other packages, on it.
package timescale
