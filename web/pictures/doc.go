// Package pictures serves the snapshots in the tables: one as JPEG, and lists of them.
//
// Pictures are revalidated each time (ETag), so that one that was deleted, because a person
// asked for it, is not shown from a browser's cache.
package pictures
