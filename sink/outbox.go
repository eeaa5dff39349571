package sink

import "slices"

// The kinds of Config.Outbox.
const (
	OutboxCrossings = "crossings" // each crossing
	OutboxVisits    = "visits"    // each visit, when it begins
)

var crossingOutboxTable = newCrossingTable(", outboxed AS (" + outboxCrossings + ")")

// outboxStatements returns the table and the statement that write crossings and visits,
// and the outbox if it is to have them. late tells that visits may be from before those
// that are there.
func outboxStatements(kinds []string, late bool) (crossings *table[crossingRow], visits string) {
	crossings = crossingTable
	if slices.Contains(kinds, OutboxCrossings) {
		crossings = crossingOutboxTable
	}
	switch outbox := slices.Contains(kinds, OutboxVisits); {
	case late && outbox:
		visits = "WITH " + mergedVisits + ", visited AS (" + mergeVisits + lateBegan + outboxVisits
	case late:
		visits = "WITH " + mergedVisits + mergeVisits
	case outbox:
		visits = "WITH visited AS (" + insertVisits + began + outboxVisits
	default:
		visits = insertVisits
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

// Visits that begin. One that was there has an xmax; or it was merged, which may have
// moved its beginning.
const (
	began     = " RETURNING visits.*, visits.xmax = 0 AS began)"
	lateBegan = ` RETURNING visits.*, (SELECT NOT m.stored FROM merged m
    WHERE (m.run_id, m.track_id, m.zone, m.entered_at) = (visits.run_id, visits.track_id, visits.zone, visits.entered_at)) AS began)`
)

// outboxVisits inserts the visits that begin.
const outboxVisits = `
INSERT INTO outbox (kind, event_id, camera_id, captured_at, payload)
SELECT 'visit', concat_ws('/', c.name, r.run, v.track_id, v.zone,
                          to_char(v.entered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
       v.camera_id, v.entered_at, jsonb_build_object('camera', c.name, 'run', r.run, 'captured_at', v.entered_at,
                                                     'track_id', v.track_id, 'zone', v.zone)
FROM visited v JOIN cameras c ON c.id = v.camera_id JOIN runs r ON r.id = v.run_id
WHERE v.began ORDER BY v.entered_at, v.track_id`
