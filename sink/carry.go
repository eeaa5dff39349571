package sink

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// carried are the statements of CarryOver. {to} is the schema that gets the rows; its cameras may
// have other ids.
var carried = []string{
	// Rows that an application is acting on are gone when its transaction has ended.
	"LOCK TABLE outbox, alarm_deliveries IN EXCLUSIVE MODE",
	"DELETE FROM {to}.places",
	"INSERT INTO {to}.places OVERRIDING SYSTEM VALUE SELECT * FROM places",
	"INSERT INTO {to}.place_lines SELECT * FROM place_lines",
	"DELETE FROM {to}.staff_rules",
	"INSERT INTO {to}.staff_rules OVERRIDING SYSTEM VALUE SELECT * FROM staff_rules",
	"INSERT INTO {to}.alarms OVERRIDING SYSTEM VALUE SELECT * FROM alarms",
	"INSERT INTO {to}.alarm_rules SELECT * FROM alarm_rules",
	"INSERT INTO {to}.alarm_states SELECT * FROM alarm_states",
	"INSERT INTO {to}.report_states SELECT * FROM report_states",
	"INSERT INTO {to}.alarm_deliveries OVERRIDING SYSTEM VALUE SELECT * FROM alarm_deliveries",
	"DELETE FROM {to}.outbox",
	`INSERT INTO {to}.outbox (id, kind, event_id, camera_id, captured_at, due, payload) OVERRIDING SYSTEM VALUE
	SELECT o.id, kind, event_id, n.id, captured_at, due, payload
	FROM outbox o JOIN cameras c ON c.id = o.camera_id JOIN {to}.cameras n ON n.name = c.name`,
	"DELETE FROM {to}.audits",
	`INSERT INTO {to}.audits (id, camera_id, line, points, since, until, runs, counted_in, counted_out, stretches, left_out, seed,
		drawn_at, answered_at) OVERRIDING SYSTEM VALUE
	SELECT a.id, n.id, line, points, since, until, runs, counted_in, counted_out, stretches, left_out, seed, drawn_at, answered_at
	FROM audits a JOIN cameras c ON c.id = a.camera_id JOIN {to}.cameras n ON n.name = c.name`,
	"INSERT INTO {to}.audit_answers SELECT * FROM audit_answers WHERE audit_id IN (SELECT id FROM {to}.audits)",
	"INSERT INTO {to}.audit_results SELECT * FROM audit_results WHERE audit_id IN (SELECT id FROM {to}.audits)",
	"SELECT setval(pg_get_serial_sequence('{to}.outbox', 'id'), nextval(pg_get_serial_sequence('outbox', 'id')))",
	"SELECT setval(pg_get_serial_sequence('{to}.audits', 'id'), coalesce((SELECT max(id) FROM audits), 1))",
	"SELECT setval(pg_get_serial_sequence('{to}.alarms', 'seq'), coalesce((SELECT max(seq) FROM alarms), 1))",
	"SELECT setval(pg_get_serial_sequence('{to}.alarm_deliveries', 'id'), coalesce((SELECT max(id) FROM alarm_deliveries), 1))",
	"SELECT setval(pg_get_serial_sequence('{to}.staff_rules', 'id'), coalesce((SELECT max(id) FROM staff_rules), 1))",
	"SELECT setval(pg_get_serial_sequence('{to}.places', 'id'), coalesce((SELECT max(id) FROM places), 1))",
}

// CarryOver copies, in a transaction, what the log does not hold of the schema to which its
// search path is set into the tables of another, which have none: places, the rules of staff,
// alarms, what is to be sent of them, up to when reports have been made, audits with their
// answers, and the events of the outbox that nobody has acted on yet. An id of the outbox is
// never given twice.
func CarryOver(ctx context.Context, tx pgx.Tx, to string) error {
	schema := strings.NewReplacer("{to}", pgx.Identifier{to}.Sanitize())
	for _, sql := range carried {
		if _, err := tx.Exec(ctx, schema.Replace(sql)); err != nil {
			return fmt.Errorf("copy what the log does not hold: %w", err)
		}
	}
	return nil
}
