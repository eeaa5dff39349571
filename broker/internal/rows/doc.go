// Package rows names the buckets of the broker's metadata in the store, and encodes
// their values. All names stand here, so that no two parts of the broker use one.
package rows
