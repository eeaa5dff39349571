// Package disk measures the disk below a directory: how long bytes take that are written
// over a file that exists and synced (fdatasync), which is what a log that acknowledges
// durable writes cannot do without.
package disk
