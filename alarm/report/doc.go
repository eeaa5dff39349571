// Package report makes the report of a day or a week: how many came and went, where and when
// it was busiest, beside the same weekdays before, and when cameras saw nothing.
//
//	report_states ─► Maker: query.DayOf of each day, query's gaps ─► alarm_deliveries
//	                                                    Report ─► Text, HTML, CSV, JSON
//
// It promises:
//   - the figures are those of package query; it has no SQL of its own for them.
//   - the report of a period is made once: the transaction that queues its messages moves
//     report_states, whose row it has locked. A process that is killed in between leaves
//     nothing, and several processes make none twice.
//   - a report whose time came while no process ran is made later, unless it is late by more
//     than its max-age. One that is new in the configuration begins with the next period.
//   - it waits until the tables hold the log up to the end of the period, for an hour at most;
//     then it says up to when they do.
//
// It leaves to others: sending (alarm/deliver), the figures (query).
package report
