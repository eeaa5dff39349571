package query_test

import (
	"bytes"
	"encoding/csv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/query"
)

// Reports by hour and day are sums of the minutes, whatever parts of half hours the times leave, and in zones
// whose hours begin at a quarter of an hour.
func TestReports_ByHourAndDay_AreTheSumsOfTheMinutes(t *testing.T) {
	t.Parallel()
	pool := month(t, 20_000)
	now := time.Now()
	at := func(ago time.Duration) time.Time { return now.Add(-ago).Truncate(time.Hour) }
	for _, tz := range []string{"UTC", "Europe/Berlin", "Asia/Kathmandu", "Asia/Kolkata"} {
		for bucket, unit := range map[string]string{"1h": "hour", "1d": "day"} {
			for _, f := range []query.Filter{
				{},
				{Since: at(100 * time.Hour).Add(17*time.Minute + 20*time.Second)},
				{Until: at(100 * time.Hour).Add(44 * time.Minute), Camera: "cam-3"},
				{Since: at(300 * time.Hour).Add(29 * time.Minute), Until: at(40 * time.Hour).Add(31 * time.Minute), Run: "run-cam-2"},
				{Since: at(50 * time.Hour), Until: at(45 * time.Hour).Add(30 * time.Minute)},
				{Since: at(50 * time.Hour).Add(31 * time.Minute), Until: at(50 * time.Hour).Add(59 * time.Minute)},
			} {
				f.TZ, f.Bucket = tz, bucket
				var out bytes.Buffer
				require.NoError(t, report("people", f).Answer(t.Context(), pool, &out, "csv"))
				records, err := csv.NewReader(&out).ReadAll()
				require.NoError(t, err)
				var got []string
				for _, r := range records[1:] {
					if r[2] != "0" { // camera, bucket, frames, detections, max_people, avg_people, seconds, coverage, dropped
						moment, err := time.Parse(time.RFC3339, r[1])
						require.NoError(t, err)
						got = append(got, r[0]+" "+moment.UTC().Format(time.RFC3339)+" "+r[2]+" "+r[3]+" "+r[4]+" "+r[5]+" "+r[6]+" "+r[8])
					}
				}
				until := f.Until
				if until.IsZero() {
					until = now.Add(time.Hour)
				}
				found, err := pool.Query(t.Context(), `SELECT concat_ws(' ', camera, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), sum(frames), sum(detections), max(max_people),
						round(sum(people)::numeric / sum(frames), 2), sum(sightlog_seconds(seconds)), sum(dropped))
					FROM (SELECT c.name AS camera, date_trunc($1, minute, $2) AS at, m.* FROM camera_minutes m JOIN cameras c ON c.id = m.camera_id JOIN runs r ON r.id = m.run_id
						WHERE minute >= date_trunc('minute', $3::timestamptz) AND minute < $4 AND ($5 = '' OR c.name = $5) AND ($6 = '' OR r.run = $6)) m
					GROUP BY camera, at ORDER BY camera, at`, unit, tz, f.Since, until, f.Camera, f.Run)
				require.NoError(t, err)
				want, err := pgx.CollectRows(found, pgx.RowTo[string])
				require.NoError(t, err)
				require.NotEmpty(t, want)
				require.Equal(t, want, got, "%+v", f)
			}
		}
	}
}
