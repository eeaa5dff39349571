package audit_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/usage"
)

// auditOfYard makes an audit of yard's gate: item 1 is the crossing in at 15 s, right; 2 that at
// 16 s, wrong; 3 the stretch from 10 to 20 s, in which one was missed out; 4 the crossing out at
// 62 s, reversed; 5 is unclear.
func auditOfYard(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := yard(t)
	for _, sql := range []string{
		`INSERT INTO audits (camera_id, line, points, since, until, runs, counted_in, counted_out, stretches, left_out, seed, answered_at)
		 VALUES (1, 'gate', '{.5,0,.5,1}', '2026-05-01 12:00Z', '2026-05-01 12:02Z', '{r1}', 2, 1, 1, 6, 1, now()),
		        (1, 'gate', '{.5,0,.5,1}', '2026-05-01 12:00Z', '2026-05-01 12:02Z', '{r1}', 2, 1, 1, 6, 1, NULL)`,
		`INSERT INTO audit_answers (audit_id, item, kind, run, from_at, until_at, seq, track_id, answer, missed_in, missed_out) VALUES
		 (1, 1, 'in', 'r1', '2026-05-01 12:00:15Z', '2026-05-01 12:00:15Z', 15, 4, 'right', NULL, NULL),
		 (1, 2, 'in', 'r1', '2026-05-01 12:00:16Z', '2026-05-01 12:00:16Z', 16, 5, 'wrong', NULL, NULL),
		 (1, 3, 'stretch', 'r1', '2026-05-01 12:00:10Z', '2026-05-01 12:00:20Z', NULL, NULL, 'missed', 0, 1),
		 (1, 4, 'out', 'r1', '2026-05-01 12:01:02Z', '2026-05-01 12:01:02Z', 62, 6, 'reversed', NULL, NULL),
		 (1, 5, 'in', 'r1', '2026-05-01 12:00:15Z', '2026-05-01 12:00:15Z', 15, 4, 'unclear', NULL, NULL)`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	return pool
}

// recounted adds recount id, whose crossings of the gate are rows of captured_at, seq and
// direction.
func recounted(t *testing.T, pool *pgxpool.Pool, id, since, rows string) {
	t.Helper()
	for _, sql := range []string{
		"INSERT INTO recounts (schema, since, until, score, finished_at) VALUES ('recount " + id + "', '" + since + "', '2026-05-02Z', 0.5, now())",
		"INSERT INTO definitions (camera_id, recount_id, kind, name, points) VALUES (1, " + id + ", 'line', 'gate', '{.5,0,.5,1}')",
		`CREATE SCHEMA "recount ` + id + `"`,
		`CREATE TABLE "recount ` + id + `".crossings (LIKE crossings INCLUDING ALL)`,
		`INSERT INTO "recount ` + id + `".crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
		 SELECT at::timestamptz, 1, 1, seq, 'gate', seq, direction, 0, 'person' FROM (VALUES ` + rows + ") x(at, seq, direction)",
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
}

func TestCompare_Recounts_ErrorsOfEachHalfOfTheAnswers(t *testing.T) {
	t.Parallel()
	pool := auditOfYard(t)
	_, err := audit.Compare(t.Context(), pool, 1)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "no recount has counted line gate of camera yard")
	recounted(t, pool, "1", "2026-05-01Z", "('2026-05-01 12:00:15Z', 15, 'in'), ('2026-05-01 12:00:17Z', 17, 'out'), ('2026-05-01 12:01:01Z', 61, 'in')")
	recounted(t, pool, "2", "2026-05-01Z", "('2026-05-01 12:00:15Z', 15, 'in'), ('2026-05-01 12:00:16Z', 16, 'in'), ('2026-05-01 12:01:02Z', 62, 'in')")
	recounted(t, pool, "3", "2026-05-01 12:01Z", "('2026-05-01 12:01:01Z', 61, 'in')") // not of all of the time
	c, err := audit.Compare(t.Context(), pool, 1)
	require.NoError(t, err)
	require.Equal(t, []string{"yard", "gate"}, []string{c.Camera, c.Line})
	require.Equal(t, []int{2, 4}, []int{c.OddItems, c.Items})
	errors := map[int32][2]int{}
	for _, k := range c.All {
		errors[k.Recount] = [2]int{k.Odd, k.Even}
	}
	require.Equal(t, map[int32][2]int{
		0: {3, 3}, // the one at 16 s at items 1 to 3, the missed one, and both directions of item 4
		1: {0, 1}, // the one at 17 s, out, is near item 2
		2: {3, 1},
	}, errors)
	require.EqualValues(t, 1, c.Best().Recount)
	require.NotNil(t, c.All[1].Score)
	require.EqualValues(t, 0, c.All[0].Recount)
}

func TestCompare_NoAuditOrNoAnswers_UsageError(t *testing.T) {
	t.Parallel()
	pool := auditOfYard(t)
	for id, says := range map[int32]string{2: "audit 2 has no answers", 7: "there is no audit 7"} {
		_, err := audit.Compare(t.Context(), pool, id)
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, says)
	}
}
