// Package alarms serves the alarms in the tables: lists of them, with who got them, and
// their acknowledgement.
//
// A list is read by a role that can only read. An acknowledgement is one statement; of two
// at once the first counts.
package alarms
