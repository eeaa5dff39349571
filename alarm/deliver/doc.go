// Package deliver sends the messages of alarms to their receivers, from the table
// alarm_deliveries:
//
//	alarm_deliveries ─► one sender a receiver: webhook, ntfy, email, mqtt, topic
//	                     │ sent: sent_at; failed: a later due, error; given up: dead_at
//
// It promises:
//   - each message that is in the table is sent, at least once, by one process of all: the
//     receiver's advisory lock is held, and its oldest message locked, from before the try to
//     the commit of its outcome. A process that is killed in between, or a database that
//     restarts, leaves the message to be sent again, with the same identity.
//   - a receiver gets its messages in the order of their transactions. A message that fails
//     is tried again, with growing pauses, before those behind it; one that the receiver
//     refuses for what it is (HTTP 400, 413, 422, SMTP 5xx), or that has failed for the receiver's give-up,
//     is dead: it stays in the table, and is counted.
//   - secrets are read at the start and are in no log and no error.
//
// It leaves to others: making messages (package alarm).
package deliver
