package report_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/alarm/report"
	"github.com/sightlog/sightlog/alarm/rule"
	"github.com/sightlog/sightlog/internal/pgtest"
)

var receivers = []rule.Receiver{{Name: "mail", Kind: rule.Email}, {Name: "hook", Kind: rule.Webhook}}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	l, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	return l
}

func daily(t *testing.T) *rule.Report {
	t.Helper()
	return &rule.Report{Name: "daily", Every: rule.EveryDay, At: 7 * time.Hour, TZ: berlin(t), MaxAge: 72 * time.Hour}
}

func clock(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	require.NoError(t, err)
	return at
}

func maker(t *testing.T, pool *pgxpool.Pool) *report.Maker {
	t.Helper()
	return &report.Maker{Receivers: receivers, Pool: pool, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// fill writes 16 days of camera door, until 2026-11-28: 20 people a day come and 18 go, from
// 10:00 UTC on, two an hour later; on the 26th the camera is blind from 14:00 to 14:30, and
// twice as many come.
func fill(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('door')",
		`INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, frame_width, frame_height)
			SELECT id, 'r', 'stream', 'm', 's', 1, 1, 'cpu', 768, 576 FROM cameras`,
		"INSERT INTO classes SELECT id, 0, 'person' FROM runs",
		`INSERT INTO camera_minutes (camera_id, minute, run_id, frames, people_frames, people, max_people, detections, dropped, seconds, first_seq, last_seq)
			SELECT 1, m, 1, 600, 60, CASE extract(hour FROM m) WHEN 11 THEN 1200 ELSE 60 END, CASE extract(hour FROM m) WHEN 11 THEN 7 ELSE 1 END, 60, 0,
				(1::bigint << 60) - 1, 0, 0
			FROM generate_series(timestamptz '2026-11-12 00:00Z', '2026-11-27 23:59Z', '1 min') m
			WHERE m NOT BETWEEN '2026-11-26 14:00Z' AND '2026-11-26 14:29Z'`,
		`INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
			SELECT d + interval '10 h' + n * interval '1 min', 1, 1, extract(day FROM d) * 1000 + n, 'step', n, CASE WHEN n % 38 < 20 THEN 'in' ELSE 'out' END, 0, 'person'
			FROM generate_series(timestamptz '2026-11-12 00:00Z', '2026-11-27 00:00Z', '1 day') d,
			generate_series(0, CASE WHEN d = '2026-11-26 00:00Z' THEN 75 ELSE 37 END) n`,
		`INSERT INTO crossing_minutes SELECT camera_id, line, date_trunc('minute', captured_at), run_id, direction, label, count(*)
			FROM crossings GROUP BY 1, 2, 3, 4, 5, 6`,
		`INSERT INTO tracks (run_id, track_id, camera_id, class_id, first_at, last_at, frames, score, path, thing)
			SELECT 1, n, 1, 0, timestamptz '2026-11-26 10:00Z' + n * interval '1 min', timestamptz '2026-11-26 10:01Z' + n * interval '1 min', 9, 0.9, '{}', false
			FROM generate_series(0, 40) n`,
		`INSERT INTO visits (run_id, track_id, zone, entered_at, left_at, camera_id, frames)
			SELECT 1, n, 'mat', timestamptz '2026-11-26 10:00Z' + n * interval '1 min', timestamptz '2026-11-26 10:00Z' + n * interval '61 s', 1, 9
			FROM generate_series(0, 40) n`,
		"INSERT INTO zone_minutes SELECT 1, 'mat', timestamptz '2026-11-26 10:00Z' + n * interval '1 min', 1, 10, 10, 2 FROM generate_series(0, 40) n",
		"INSERT INTO crossing_half_hours SELECT camera_id, line, sightlog_half_hour(minute), run_id, direction, label, sum(crossings) FROM crossing_minutes GROUP BY 1, 2, 3, 4, 5, 6",
		"SELECT sightlog_rebuild_half_hours('-infinity')",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
}

// queued are the messages in the outbox: receiver, name and the first day.
func queued(t *testing.T, pool *pgxpool.Pool) []string {
	t.Helper()
	return pgtest.Lines(t, pool, `SELECT receiver || ' ' || (payload->>'rule') || ' ' || left(payload->>'began_at', 10) || ' ' || count(*)
		FROM alarm_deliveries WHERE event = 'report' AND alarm_id IS NULL GROUP BY receiver, payload->>'rule', payload->>'began_at' ORDER BY 1`)
}
