// Package alarm finds what the rules of the configuration look for (Watch, Ticker), and
// sends it to receivers (package alarm/deliver).
//
//	sink's transaction: offsets ─► rows and totals ─► Watch: alarm_states ─► alarms, alarm_deliveries
//	once a second, by one of all sinks: Ticker: blind cameras, places, alarms that are over
//
// It promises:
//   - a record of the log is looked at in the transaction that writes its rows, once, by the
//     sink that moves the partition's offset. What a rule remembers is in alarm_states, read
//     and written in that transaction: it moves with the partition, and a sink that is killed
//     leaves nothing half done.
//   - an alarm and the messages about it are in the tables together, or neither is.
//   - its id is that of its rule, its subject and its beginning. A record that comes again
//     makes no second one.
//   - what is older than the rule's max-age when it is found is recorded and not sent. A
//     replay and a recount look at nothing.
//   - a place is filled by cameras of several partitions, whose transactions may be those of
//     different sinks: each that has a crossing of one takes the place's lock, after all its
//     other locks, and looks at the balance after each of its crossings.
//   - what follows from time passing, and not from a record, is found by the ticker, for the
//     time up to which the tables hold the log (Horizon): a backlog is not taken for a camera
//     of which nothing comes. An advisory lock of its transaction lets one sink of all do it.
//   - without rules nothing of this runs, and a transaction in which no camera of a rule
//     occurs costs nothing more.
//
// It leaves to others: the rules themselves (alarm/rule), sending (alarm/deliver).
package alarm
