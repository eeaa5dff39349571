package sink_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/migrations"
	"github.com/sightlog/sightlog/postgres"
)

func TestSink_ThroughAPooler_EachSightingOneRow(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t, "")
	pool := pgtest.Pool(t, pgtest.Bouncer(t, url))
	require.NoError(t, migrations.Up(t.Context(), pool, nil))
	w := newWorldOn(t, pool)
	w.start()
	w.fill(0, 50, "porch", "yard") // by statements
	w.drain()
	w.fill(50, 1500, "porch", "yard") // by COPY
	w.drain()
	w.produce(record(t, sighting("porch", "run-of-porch", 7)))
	old := sighting("gate", "r1", 2)
	old.CapturedAt = event.At(origin.AddDate(0, 0, -40)) // a day to make
	w.produce(record(t, old))
	w.drain()
	require.Equal(t, 3001, w.number("SELECT count(*) FROM sightings"))
	require.Equal(t, 2*people(0, 1500)+2, w.number("SELECT count(*) FROM detections"))
	require.Empty(t, w.letters(kafka.Sightings))
	direct := pgtest.Pool(t, url)
	var left int
	require.NoError(t, direct.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&left))
	require.Zero(t, left, "locks of sessions that are no longer ours")
}

func TestSink_SchemaOfItsOwn_EachSightingOneRow(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t, "")
	theirs := pgtest.Pool(t, url)
	_, err := theirs.Exec(t.Context(), "CREATE TABLE sightings (theirs text); CREATE TABLE cameras (theirs text)")
	require.NoError(t, err)
	url, err = postgres.WithSchema(url, "eyes")
	require.NoError(t, err)
	pool := pgtest.Pool(t, url)
	require.NoError(t, migrations.Up(t.Context(), pool, nil))
	w := newWorldOn(t, pool)
	w.start()
	w.fill(0, 20, "porch")
	w.drain()
	w.fill(20, 1500, "porch")
	w.drain()
	w.exactly(1500, "porch")
	var n int
	require.NoError(t, theirs.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM public.sightings) + (SELECT count(*) FROM public.cameras)").Scan(&n))
	require.Zero(t, n)
}

func TestDatabaseOfAnotherEncoding_NamesAreRight_WhatItLacksIsADeadLetter(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t, "ENCODING 'LATIN1' LOCALE 'C'")
	pool := pgtest.Pool(t, url)
	require.NoError(t, migrations.Up(t.Context(), pool, nil))
	w := newWorldOn(t, pool)
	w.start()
	var recs []*kgo.Record
	for n, zone := range []string{"Tür", "門", "Garten"} {
		s := sighting("porch", "r1", 3*n+1)
		s.Objects[0].Zones = []string{zone}
		recs = append(recs, record(t, s))
	}
	w.produce(recs...)
	w.drain()
	require.Equal(t, 1, w.number("SELECT count(*) FROM detections WHERE zones = '{Tür}' AND length(zones[1]) = 3"))
	require.Equal(t, 2, w.number("SELECT count(*) FROM sightings"))
	letters := w.letters(kafka.Sightings)
	require.Len(t, letters, 1)
	require.Contains(t, head(letters[0], "dead-cause"), `has no equivalent in encoding "LATIN1"`)
}

// hostile are settings of a role that change what statements mean, how values
// are read and written, or how long anything may take.
var hostile = []string{
	"default_transaction_isolation = serializable", "default_transaction_deferrable = on", "DateStyle = 'German, YMD'", "IntervalStyle = sql_standard",
	"TimeZone = 'Asia/Kathmandu'", "client_encoding = LATIN1", "extra_float_digits = -15", "bytea_output = escape", "array_nulls = off",
	"transform_null_equals = on", "standard_conforming_strings = off", "backslash_quote = on", "quote_all_identifiers = on", "xmloption = document",
	"search_path = nowhere, public", "default_with_oids = off", "row_security = off", "synchronous_commit = off", "work_mem = '64kB'",
	"enable_seqscan = off", "enable_partition_pruning = off", "constraint_exclusion = off", "plan_cache_mode = force_generic_plan", "jit_above_cost = 0",
	"lc_numeric = 'C'", "client_min_messages = debug5", "default_tablespace = nowhere", "check_function_bodies = off", "application_name = other",
}

func TestRole_WithHostileSettings_RowsAreTheSame(t *testing.T) {
	t.Parallel()
	url := pgtest.Empty(t, "")
	admin := pgtest.Pool(t, url)
	in := "ALTER ROLE CURRENT_USER IN DATABASE " + admin.Config().ConnConfig.Database
	for _, setting := range hostile {
		_, err := admin.Exec(t.Context(), in+" SET "+setting)
		require.NoError(t, err, setting)
	}
	set := pgtest.Pool(t, url)
	require.NoError(t, migrations.Up(t.Context(), set, nil))
	of := func(pool *pgxpool.Pool) *world {
		w := newWorldOn(t, pool)
		stop := w.start()
		defer stop()
		w.fill(0, 20, "porch") // by statements
		w.drain()
		w.fill(20, 700, "porch") // by COPY
		w.produce(record(t, sighting("porch", "run-of-porch", 7)))
		w.drain()
		require.Empty(t, w.letters(kafka.Sightings))
		return w
	}
	of(set)
	_, err := admin.Exec(t.Context(), in+" RESET ALL")
	require.NoError(t, err)
	require.Equal(t, dump(t, of(pgtest.Open(t)).pool), dump(t, pgtest.Pool(t, url)))
}

// Whatever way a transaction is written, the rows are the same.
func TestTables_StatementsAndCopy_SameColumns(t *testing.T) {
	t.Parallel()
	track := int64(7)
	full := func(n int) *event.Sighting {
		s := sighting("porch", "r1", n)
		s.DroppedBefore = int64(n)
		for i := range s.Objects {
			s.Objects[i].TrackID, s.Objects[i].ClassID, s.Objects[i].Zones = &track, n%2, []string{"a", `b "c"`}[:n%3]
			s.Objects[i].State = []string{"", event.StateNew, event.StateStationary, event.StateThing}[n%4]
		}
		return s
	}
	few, many := newWorld(t), newWorld(t)
	var recs, again []*kgo.Record
	for n := range 900 {
		recs, again = append(recs, record(t, full(n))), append(again, record(t, full(n)))
	}
	for w, recs := range map[*world][]*kgo.Record{few: recs, many: again} {
		w.produce(recs...)
	}
	few.start(maxRecords(20))
	many.start(maxRecords(1000))
	few.drain()
	many.drain()
	for _, table := range []string{"sightings", "detections"} {
		rows := func(w *world) (lines []string) {
			r, err := w.pool.Query(t.Context(), "SELECT (to_jsonb(t) - 'batch_id')::text FROM "+table+" t ORDER BY 1")
			require.NoError(t, err)
			for r.Next() {
				var line string
				require.NoError(t, r.Scan(&line))
				lines = append(lines, line)
			}
			require.NoError(t, r.Err())
			return lines
		}
		require.Equal(t, rows(few), rows(many), table)
		columns, err := many.pool.Query(t.Context(), "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped", table)
		require.NoError(t, err)
		names, err := pgx.CollectRows(columns, pgx.RowTo[string])
		require.NoError(t, err)
		require.NotEmpty(t, names)
		for _, name := range names {
			require.Positive(t, many.number("SELECT count("+name+") FROM "+table), "%s.%s is never written", table, name)
		}
	}
}
