package query_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
)

// rowsOf returns the rows of an answer in CSV, without its head.
func rowsOf(t *testing.T, answer []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(answer)).ReadAll()
	require.NoError(t, err)
	require.NotEmpty(t, rows, "it has no head")
	return rows[1:]
}

// pages returns the rows of all pages of a few rows each, and calls between after each page.
func pages(t *testing.T, pool *pgxpool.Pool, q query.Question, limit int, between func()) (all [][]string) {
	t.Helper()
	page := query.Page{Limit: limit}
	for {
		var b bytes.Buffer
		next, err := q.AnswerPage(t.Context(), pool, &b, "csv", page)
		require.NoError(t, err)
		rows := rowsOf(t, b.Bytes())
		all = append(all, rows...)
		if next == nil {
			return all
		}
		require.Len(t, rows, limit)
		page.After = next
		between()
	}
}

// busyStreet is a street with two cameras, of which every report but latency has rows.
func busyStreet(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := street(t, "yard", [2]string{"2026-05-01 10:59:30Z", "2026-05-01 11:03:00Z"}, [2]string{"2026-05-01 13:00:00Z", "2026-05-01 13:02:10Z"})
	addCamera(t, pool, "alley", [2]string{"2026-05-01 11:00:10Z", "2026-05-01 11:02:00Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 11:00:01Z", "2026-05-01 11:01:01Z", "2026-05-01 13:00:01Z")
	run(t, pool, `INSERT INTO audits (camera_id, line, points, since, until, runs, counted_in, counted_out, stretches, left_out, seed)
		SELECT 1, 'gate', '{0,0,1,1}', now() - interval '1 h', now(), '{}', 0, 0, 0, 0, 1 FROM generate_series(1, 3)`,
		"INSERT INTO places (name, reset_at, tz, label) VALUES ('shop', '04:00', 'UTC', 'person'), ('porch', '04:00', 'UTC', 'person')",
		"INSERT INTO place_lines VALUES (1, 'yard', 'gate', false), (2, 'yard', 'gate', false)")
	return pool
}

func TestAnswerPage_EveryReport_PagesAreTheWhole(t *testing.T) {
	t.Parallel()
	pool := busyStreet(t)
	paged := 0
	for _, r := range query.Reports {
		for _, f := range []query.Filter{{}, {Bucket: "1h"}} {
			if f.Bucket != "" && !r.Takes("bucket") {
				continue
			}
			whole := rowsOf(t, []byte(answer(t, pool, r.Question(f), "csv")))
			for _, limit := range []int{1, 2, 1000} {
				if len(r.Order) == 0 {
					limit = 1000
				}
				got := pages(t, pool, r.Question(f), limit, func() { paged++ })
				require.Equal(t, ageless(r, whole), ageless(r, got), "%s %+v, %d a page", r.Name, f, limit)
			}
		}
	}
	require.Greater(t, paged, 100)
}

// ageless returns the rows without ages, which grow from one answer to the next.
func ageless(r query.Report, rows [][]string) (all [][]string) {
	for _, row := range rows {
		if n := len(row); r.Name == "occupancy" && n == 5 || r.Name == "queue" && n == 7 {
			row = row[:n-1]
		} else if r.Name == "balance" && n == 10 {
			row = slices.Delete(slices.Clone(row), 7, 8) // blind_s
		}
		all = append(all, row)
	}
	return all
}

// Visits and tracks that come in meanwhile, before the page and after it, neither repeat a row
// nor hide one that was there.
func TestAnswerPage_RowsComeBetweenPages_EveryOldRowOnce(t *testing.T) {
	t.Parallel()
	pool := busyStreet(t)
	old := rowsOf(t, []byte(answer(t, pool, report("tracks", query.Filter{}), "csv")))
	require.Greater(t, len(old), 4)
	track := 5000
	got := pages(t, pool, report("tracks", query.Filter{}), 2, func() {
		for _, at := range []string{"2026-05-01 09:00Z", "2026-05-01 11:01:30Z", "2026-05-01 23:00Z"} {
			if track++; track > 5020 {
				return
			}
			run(t, pool, `INSERT INTO tracks SELECT (jsonb_populate_record(t, jsonb_build_object('track_id', `+strconv.Itoa(track)+`,
				'first_at', '`+at+`'::timestamptz, 'last_at', '`+at+`'::timestamptz))).* FROM tracks t LIMIT 1`)
		}
	})
	seen := make(map[string]int)
	for _, row := range got {
		seen[row[1]+row[4]+row[5]]++ // first_at, run, track_id
	}
	for _, row := range old {
		require.Equal(t, 1, seen[row[1]+row[4]+row[5]], row)
	}
	for row, n := range seen {
		require.Equal(t, 1, n, row)
	}
}

func TestAnswerPage_KeyOfAnotherReport_Error(t *testing.T) {
	t.Parallel()
	pool := busyStreet(t)
	_, err := report("people", query.Filter{}).AnswerPage(t.Context(), pool, new(bytes.Buffer), "csv", query.Page{Limit: 1, After: []string{"yard"}})
	require.ErrorContains(t, err, "a key has 2 columns, this one 1")
}

// The kind of a column is that of its values.
func TestKindOf_EveryColumnOfEveryReport_KindOfItsValues(t *testing.T) {
	t.Parallel()
	pool := busyStreet(t)
	checked := 0
	for _, r := range query.Reports {
		for _, bucket := range []string{"", "1d"} {
			decoder := json.NewDecoder(strings.NewReader(answer(t, pool, r.Question(query.Filter{Bucket: bucket}), "json")))
			decoder.UseNumber()
			var rows []map[string]any
			require.NoError(t, decoder.Decode(&rows))
			for _, row := range rows {
				for column, v := range row {
					if v != nil {
						checked++
						requireKind(t, r.Name+" "+column, query.KindOf(column), v)
					}
				}
			}
		}
		for _, columns := range r.AllColumns() {
			for _, c := range columns {
				require.NotEmpty(t, query.KindOf(c), "%s: %s", r.Name, c)
			}
		}
	}
	require.Greater(t, checked, 500)
}

func requireKind(t *testing.T, what string, kind query.Kind, v any) {
	t.Helper()
	switch kind {
	case query.Integer, query.Number:
		require.IsType(t, json.Number(""), v, what)
		if kind == query.Integer {
			require.NotContains(t, string(v.(json.Number)), ".", what)
		}
	default:
		require.IsType(t, "", v, what)
	}
	if kind == query.Time {
		_, err := time.Parse(time.RFC3339Nano, v.(string))
		require.NoError(t, err, what)
	}
}
