// Package host describes the machine on which a benchmark runs, and counts what the
// processes of a benchmark take of it. It reads /proc; what a system does not say is
// empty.
package host
