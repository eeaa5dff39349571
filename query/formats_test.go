package query_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/query"
	"github.com/sightlog/sightlog/usage"
)

func TestParquet_AnyColumns_TypesOrderAndNulls(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	q := query.SQL(`SELECT 7::int2 AS z, 1.5::numeric AS n, 0.9::real AS f, true AS b, NULL::text AS nothing,
		'2026-05-01 12:00:00.000001+02'::timestamptz AS at, 'Türe' AS s, ARRAY[1,2] AS a
		UNION ALL SELECT NULL, 'NaN', NULL, false, 'x', NULL, NULL, NULL`)
	file := []byte(answer(t, pool, q, "parquet"))
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	require.Equal(t, `message answer {
	optional int64 z (INT(64,true));
	optional double n;
	optional double f;
	optional boolean b;
	optional binary nothing (STRING);
	optional int64 at (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS));
	optional binary s (STRING);
	optional binary a (STRING);
}`, f.Schema().String())
	var lines []string
	rows := make([]parquet.Row, 10)
	r := parquet.NewReader(f)
	n, err := r.ReadRows(rows)
	require.ErrorIs(t, err, io.EOF)
	for _, row := range rows[:n] {
		lines = append(lines, fmt.Sprintf("%v", row))
	}
	require.Equal(t, []string{"[7 1.5 0.9 true <null> 1777629600000001 Türe {1,2}]", "[<null> NaN <null> false x <null> <null> <null>]"}, lines)
}

// Counts have one type in all buckets, so that files of minutes and of days can be read as one table.
func TestParquet_Counts_IntegersInEveryBucket(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	counts := regexp.MustCompile(` (frames|seconds|dropped|detections|max_people|n|in|out|inside) `)
	for _, r := range query.Reports {
		for _, bucket := range []string{"1m", "1h", "1d"} {
			if r.Name == "heatmap" || r.Takes("bucket") {
				file := []byte(answer(t, pool, report(r.Name, query.Filter{Bucket: bucket}), "parquet"))
				f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
				require.NoError(t, err)
				for line := range strings.Lines(f.Schema().String()) {
					if strings.Contains(line, "optional") && counts.MatchString(strings.ReplaceAll(line, ";", " ")) {
						require.Contains(t, line, "int64", "%s %s", r.Name, bucket)
					}
				}
			}
		}
	}
}

func TestParquet_ManyRowGroups_AllRows(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	file := []byte(answer(t, pool, query.SQL("SELECT n FROM generate_series(1, 150000) n"), "parquet"))
	f, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)))
	require.NoError(t, err)
	require.EqualValues(t, 150_000, f.NumRows())
	require.Len(t, f.RowGroups(), 3)
	empty := []byte(answer(t, pool, report("people", query.Filter{}), "parquet"))
	f, err = parquet.OpenFile(bytes.NewReader(empty), int64(len(empty)))
	require.NoError(t, err)
	require.Zero(t, f.NumRows())
	require.Len(t, f.Schema().Columns(), 9)
}

func TestParquet_WhatItCannotHold_OneLine(t *testing.T) {
	t.Parallel()
	pool := pgtest.Open(t)
	for sql, want := range map[string]string{
		"SELECT 1 AS a, 2 AS a":                 `a Parquet file cannot have two columns "a"; name it with AS`,
		"SELECT 'infinity'::timestamptz AS at":  `column "at" has a value that its type in a Parquet file has not: infinity; cast it to text`,
		"SELECT '0044-03-15 BC'::timestamptz a": `cast it to text`,
	} {
		err := query.SQL(sql).Answer(t.Context(), pool, io.Discard, "parquet")
		require.True(t, usage.Is(err), "%s: %v", sql, err)
		require.ErrorContains(t, err, want)
	}
}

// changes is a writer that hands on what is written.
type changes chan string

func (c changes) Write(b []byte) (int, error) {
	c <- string(b)
	return len(b), nil
}

func TestFollow_NewSighting_PrintedOnceUntilTheEnd(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	addCamera(t, pool, "gate", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:02Z"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, done := make(changes), make(chan error)
	go func() { done <- report("latest", query.Filter{}).Follow(ctx, pool, out, "csv", time.Millisecond) }()
	require.Equal(t, `camera,run,seq,captured_at,people,detections,model,up_to
gate,gate-0,1,2026-05-01T10:00:01Z,1,2,m,2026-05-01T10:00:01Z
yard,yard-0,4,2026-05-01T10:00:04Z,1,2,m,2026-05-01T10:00:04Z
`, <-out)
	for _, at := range []string{"05", "06"} {
		_, err := pool.Exec(t.Context(), "UPDATE latest_sightings SET seq = seq + 1, captured_at = '2026-05-01 10:00:"+at+"Z' WHERE camera_id = 1")
		require.NoError(t, err)
		require.Regexp(t, "^yard,yard-0,[56],2026-05-01T10:00:"+at+"Z,1,2,m,2026-05-01T10:00:"+at+"Z\n$", <-out)
	}
	cancel()
	require.NoError(t, <-done)
}

func TestFollow_TableAndJSON_WrittenAtOnceAndWhole(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	for format, want := range map[string][2]string{"table": {"camera  run     seq", ""}, "json": {`[`, "\n]\n"}} {
		ctx, cancel := context.WithCancel(t.Context())
		out, done := make(changes, 1), make(chan error)
		go func() { done <- report("latest", query.Filter{}).Follow(ctx, pool, out, format, time.Hour) }()
		require.True(t, strings.HasPrefix(<-out, want[0]), format)
		cancel()
		require.NoError(t, <-done)
		if want[1] != "" {
			require.Equal(t, want[1], <-out)
		}
	}
}

func TestFollow_ReaderGone_Ends(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	gone := errors.New("the reader is gone")
	r, w := io.Pipe()
	require.NoError(t, r.CloseWithError(gone))
	require.ErrorIs(t, report("latest", query.Filter{}).Follow(t.Context(), pool, w, "csv", time.Millisecond), gone)
	err := report("latest", query.Filter{Camera: "x"}).Follow(t.Context(), pool, io.Discard, "csv", time.Millisecond)
	require.True(t, usage.Is(err))
}

func TestHeatPicture_OneCamera_FullestCellIsRed(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	f := query.Filter{Camera: "yard", Class: "person", Grid: 10}
	picture, err := query.HeatPicture(t.Context(), pool, f, nil)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 100, 50), picture.Bounds(), "the size of the stored frames")
	require.Equal(t, color.RGBA{A: 255}, picture.At(80, 10), "no feet, no colour")
	hot := picture.At(35, 42).(color.RGBA)
	require.Greater(t, hot.R, uint8(200))
	require.Less(t, hot.B, uint8(50))

	frame := image.NewGray(image.Rect(10, 10, 210, 110))
	for i := range frame.Pix {
		frame.Pix[i] = 200
	}
	picture, err = query.HeatPicture(t.Context(), pool, f, frame)
	require.NoError(t, err)
	require.Equal(t, image.Rect(0, 0, 200, 100), picture.Bounds(), "the size of the frame")
	require.Equal(t, color.RGBA{200, 200, 200, 255}, picture.At(160, 20))
	hot = picture.At(70, 84).(color.RGBA)
	require.Greater(t, hot.R, uint8(230))
	require.Less(t, hot.G, uint8(100))
}

func TestHeatPicture_SeveralCamerasOrNone_OneLine(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	addCamera(t, pool, "gate", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	_, err := query.HeatPicture(t.Context(), pool, query.Filter{}, nil)
	require.True(t, usage.Is(err), "%v", err)
	require.EqualError(t, err, "a picture shows one camera; give --camera; there is gate, yard")
	_, err = query.HeatPicture(t.Context(), pool, query.Filter{Since: at("2026-06-01T00:00:00Z")}, nil)
	require.True(t, usage.Is(err), "%v", err)
	require.EqualError(t, err, "no sighting is in the database for this picture; narrow it less")
}

func TestFilters_WrongNamesAndValues_OneLine(t *testing.T) {
	t.Parallel()
	pool := street(t, "yard", [2]string{"2026-05-01 10:00:00Z", "2026-05-01 10:00:05Z"})
	addCrossings(t, pool, "gate", "in", "person", "2026-05-01 10:00:01Z")
	for _, c := range []struct {
		report string
		filter query.Filter
		want   string
	}{
		{"people", query.Filter{Zone: "dor"}, `--zone "dor" is not in the database; there is door`},
		{"crossings", query.Filter{Line: "gaet"}, `--line "gaet" is not in the database; there is gate`},
		{"visits", query.Filter{Class: "cat"}, `--class "cat" is not in the database; there is car, person`},
		{"people", query.Filter{TZ: "UTC+2"}, `--tz "UTC+2" is not in the database; there is America/New_York, Asia/Tokyo, Europe/Berlin, Europe/London, UTC,`},
		{"people", query.Filter{Bucket: "5m"}, `--bucket "5m" is not known; use 1m, 1h or 1d`},
		{"tracks", query.Filter{MinScore: 1.5}, `--min-score 1.5; scores are from 0 to 1`},
		{"gaps", query.Filter{Gap: time.Millisecond}, `--gap 1ms is too short; give a second at least`},
		{"heatmap", query.Filter{Grid: 5000}, `--grid 5000; give 1 to 1024`},
		{"visits", query.Filter{MinDwell: -time.Minute}, `--min-dwell -1m0s; give a time above 0, as 2m`},
		{"busiest", query.Filter{Top: -1}, `--top -1; give 1 or more`},
	} {
		err := refused(t, pool, report(c.report, c.filter))
		require.True(t, usage.Is(err), "%v", err)
		require.ErrorContains(t, err, c.want)
		require.NotContains(t, err.Error(), "\n")
	}
}
