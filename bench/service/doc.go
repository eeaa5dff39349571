// Package service runs a part of sightlog as a process of its own while a benchmark puts a
// load on it, and reads what processes use from proc(5): so that the load's own cost is
// never counted as that of the part.
package service
