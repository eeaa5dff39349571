package sink

import "slices"

// The kinds of Config.Outbox.
const (
	OutboxCrossings = "crossings" // each crossing
	OutboxVisits    = "visits"    // each visit, when it begins
)

var crossingOutboxTable = newCrossingTable(", outboxed AS (" + outboxCrossings + ")")

// outboxStatements returns the table and the statement that write crossings and visits,
// and the outbox if it is to have them.
func outboxStatements(kinds []string) (crossings *table[crossingRow], visits string) {
	crossings, visits = crossingTable, insertVisits
	if slices.Contains(kinds, OutboxCrossings) {
		crossings = crossingOutboxTable
	}
	if slices.Contains(kinds, OutboxVisits) {
		visits = outboxVisits
	}
	return crossings, visits
}

// outboxCrossings inserts the crossings that the statement has inserted, which those that
// come again are not.
const outboxCrossings = `
INSERT INTO outbox (kind, event_id, camera_id, captured_at, payload)
SELECT 'crossing', concat_ws('/', c.name, r.run, i.seq, i.track_id, i.line), i.camera_id, i.captured_at,
       jsonb_build_object('camera', c.name, 'run', r.run, 'captured_at', i.captured_at, 'track_id', i.track_id,
                          'seq', i.seq, 'line', i.line, 'direction', i.direction, 'label', i.label)
FROM inserted i JOIN cameras c ON c.id = i.camera_id JOIN runs r ON r.id = i.run_id
ORDER BY i.captured_at, i.track_id`

// outboxVisits inserts the visits that begin: a row that was there has an xmax.
const outboxVisits = "WITH visited AS (" + insertVisits + `
    RETURNING visits.*, visits.xmax = 0 AS began)
INSERT INTO outbox (kind, event_id, camera_id, captured_at, payload)
SELECT 'visit', concat_ws('/', c.name, r.run, v.track_id, v.zone,
                          to_char(v.entered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
       v.camera_id, v.entered_at, jsonb_build_object('camera', c.name, 'run', r.run, 'captured_at', v.entered_at,
                                                     'track_id', v.track_id, 'zone', v.zone)
FROM visited v JOIN cameras c ON c.id = v.camera_id JOIN runs r ON r.id = v.run_id
WHERE v.began ORDER BY v.entered_at, v.track_id`
