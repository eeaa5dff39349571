package sink_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/sink"
	"github.com/sightlog/sightlog/usage"
)

// Somebody edits the tables by hand. The sink says what is wrong and what to do, waits and loses
// nothing; what does not hinder it goes on.
func TestSink_TablesEditedByHand_SaysWhatAndLosesNothing(t *testing.T) {
	t.Parallel()
	const advice = "; somebody has changed the tables: change them back"
	for name, c := range map[string]struct{ breaks, says, mends string }{
		"column dropped": {"ALTER TABLE camera_minutes DROP COLUMN dropped CASCADE",
			`column "dropped" of relation "camera_minutes" does not exist`,
			"ALTER TABLE camera_minutes ADD COLUMN dropped bigint NOT NULL DEFAULT 0"},
		"column of a partitioned table dropped": {"ALTER TABLE sightings DROP COLUMN people CASCADE",
			`column "people" of relation "sightings" does not exist`, ""},
		"column renamed": {"ALTER TABLE latest_sightings RENAME COLUMN seq TO number",
			`column "seq" of relation "latest_sightings" does not exist`, "ALTER TABLE latest_sightings RENAME COLUMN number TO seq"},
		"type changed": {"ALTER TABLE latest_sightings ALTER COLUMN people TYPE boolean USING people > 0",
			`column "people" is of type boolean but expression is of type integer`,
			"ALTER TABLE latest_sightings ALTER COLUMN people TYPE integer USING people::integer"},
		"type changed to one that takes the values": {"ALTER TABLE latest_sightings ALTER COLUMN people TYPE text", "", ""},
		"column that must not be null added": {"ALTER TABLE cameras ADD COLUMN site text NOT NULL",
			`null value in column "site" of relation "cameras"`, "ALTER TABLE cameras DROP COLUMN site"},
		"primary key dropped": {"ALTER TABLE camera_minutes DROP CONSTRAINT camera_minutes_pkey",
			"there is no unique or exclusion constraint matching the ON CONFLICT specification",
			"ALTER TABLE camera_minutes ADD PRIMARY KEY (camera_id, minute, run_id)"},
		"function and default partition dropped": {"DROP TABLE sightings_default; ALTER FUNCTION sightlog_ensure_day RENAME TO elsewhere",
			"sightlog_ensure_day",
			"CREATE TABLE sightings_default PARTITION OF sightings DEFAULT; ALTER FUNCTION elsewhere RENAME TO sightlog_ensure_day"},
		"table dropped": {"DROP TABLE zone_minutes CASCADE", `relation "zone_minutes" does not exist`, ""},
		"index dropped": {"DROP INDEX tracks_camera, visits_camera, camera_minutes_minute", "", ""},
		"views dropped": {"DROP VIEW v_visits, v_tracks, v_minutes, v_detections CASCADE", "", ""},
		"column added":  {"ALTER TABLE sightings ADD COLUMN note text; ALTER TABLE runs ADD COLUMN site text NOT NULL DEFAULT 'here'", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.pool.Exec(t.Context(), c.breaks)
			require.NoError(t, err)
			var said strings.Builder
			s, stop := w.sink(func(cfg *sink.Config) { cfg.Log = logInto(&said) })
			for n := range 30 {
				v := busy("porch", n, 1)
				w.produce(record(t, v))
			}
			if c.says != "" {
				w.await("the partition to be told", func() bool { return len(s.Blocked()) > 0 })
				blocked := s.Blocked()[0]
				require.Equal(t, sink.Waiting, blocked.State)
				require.Contains(t, blocked.Reason, c.says)
				require.Contains(t, blocked.Reason, advice)
				require.NotContains(t, blocked.Reason, "\n")
				_, err = w.pool.Exec(t.Context(), c.mends)
				require.NoError(t, err)
			}
			if c.says == "" || c.mends != "" {
				w.drain()
				require.Equal(t, 30, w.number("SELECT count(*) FROM sightings"))
				require.Equal(t, 30, w.number("SELECT sum(frames) FROM camera_minutes"))
				require.Equal(t, 1, w.number("SELECT count(*) FROM tracks WHERE frames = 30"))
			} else { // the log has it all
				require.Zero(t, w.number("SELECT coalesce(sum(next), 0) FROM sink_offsets WHERE topic = 'sightings'"))
			}
			stop()
			require.Empty(t, w.letters(kafka.Sightings))
			require.LessOrEqual(t, strings.Count(said.String(), "unavailable, retrying"), 2, said.String())
		})
	}
}

// A question that needs what is not there any more says so in one line, and is a person's mistake; the
// others are answered.
func TestSink_TablesEditedByHand_QuestionsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	for sql, c := range map[string]struct {
		says   string
		refuse []string
	}{
		"ALTER TABLE camera_minutes DROP COLUMN people CASCADE": {"column s.people does not exist", []string{"people"}},
		"ALTER TABLE latest_sightings RENAME COLUMN seq TO n":   {"column s.seq does not exist", []string{"latest"}},
		"DROP TABLE visits CASCADE":                             {`relation "visits" does not exist`, []string{"visits", "dwell"}},
		"DROP VIEW v_balance":                                   {`relation "v_balance" does not exist`, []string{"balance"}},
		"DROP INDEX tracks_camera, visits_camera":               {"", nil},
	} {
		w := newWorld(t)
		stop := w.start()
		for n := range 20 {
			w.produce(record(t, busy("porch", n, 1)))
		}
		w.drain()
		stop()
		_, err := w.pool.Exec(t.Context(), sql)
		require.NoError(t, err)
		for _, r := range query.Reports {
			var out bytes.Buffer
			err := r.Question(query.Filter{}).Answer(t.Context(), w.pool, &out, "csv")
			if slices.Contains(c.refuse, r.Name) {
				require.ErrorContains(t, err, "the tables are not those of this sightlog: "+c.says, "%s after %s", r.Name, sql)
			}
			if err != nil {
				require.True(t, usage.Is(err), "%s after %s: %v", r.Name, sql, err)
				require.ErrorContains(t, err, "; change them back; if they are of an older version, run sightlogd migrate")
				require.NotContains(t, err.Error(), "\n")
			}
		}
		require.Equal(t, 20, w.number("SELECT count(*) FROM sightings"))
	}
}

// Somebody drops the partition of today while the sink writes: its rows are gone, those that come later are
// in the default partition, also after a restart, and the totals are still those of all frames.
func TestSink_PartitionOfTodayDropped_LaterRowsAreThereAndTotalsStay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stop := w.start()
	produce := func(from, to int) {
		t.Helper()
		for n := from; n < to; n++ {
			w.produce(record(t, busy("porch", n, 1)))
		}
		w.drain()
	}
	produce(0, 10)
	_, err := w.pool.Exec(t.Context(), "DROP TABLE sightings_"+origin.Format("20060102"))
	require.NoError(t, err)
	require.Zero(t, w.number("SELECT count(*) FROM sightings"))
	produce(10, 20)
	stop()
	defer w.start()()
	produce(20, 30)
	require.Equal(t, 20, w.number("SELECT count(*) FROM sightings_default"))
	require.Equal(t, 20, w.number("SELECT count(*) FROM v_detections WHERE seq >= 10"))
	require.Equal(t, 30, w.number("SELECT sum(frames) FROM camera_minutes"))
	require.Equal(t, 30, w.number("SELECT frames FROM tracks"))
	require.Empty(t, w.letters(kafka.Sightings))
}
