package kafkatools_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// SQL on streams: Flink SQL counts the people of each camera in windows of two seconds of the events' own time, and writes
// them in transactions.
func TestFlinkSQL_PeopleInWindows_AsComputed(t *testing.T) {
	t.Parallel()
	needAll(t)
	dir := filepath.Join(testenv.Root(), "lib", "flink")
	if _, err := os.Stat(dir); err != nil {
		testenv.Skip(t, "no Apache Flink in "+dir+": scripts/setup.sh --tools fetches it where Maven is installed")
	}
	classPath := classes(t, "testdata/java/flink", filepath.Join(dir, "*"))
	onBoth(t, func(w *world) {
		w.topics("counts")
		const frames = 100
		w.film(0, frames)
		sql := filepath.Join(w.TempDir(), "people.sql")
		require.NoError(w, os.WriteFile(sql, []byte(strings.ReplaceAll(peopleSQL, "BROKER", w.addr)), 0o600))
		java(w.T, classPath, "Sql", sql).wait()

		want := map[string]string{}
		for _, camera := range cameras {
			sums := map[time.Time]int{}
			for n := range int64(frames) {
				sums[began.Add(time.Duration(n)*time.Second/framesPerSecond).Truncate(2*time.Second)] += people(camera, n)
			}
			for at, sum := range sums {
				want[camera+at.Format(" 2006-01-02 15:04:05")] = fmt.Sprint(sum)
			}
		}
		got := map[string]string{}
		for _, r := range w.read("counts") {
			fields := strings.Split(string(r.Value), "|")
			require.NotContains(w, got, fields[0], "each window once")
			got[fields[0]] = fields[1]
		}
		require.Equal(w, want, got)
	})
}

const peopleSQL = `CREATE TABLE sightings (
	camera STRING,
	captured_at TIMESTAMP_LTZ(3),
	objects ARRAY<ROW<label STRING>>,
	WATERMARK FOR captured_at AS captured_at
) WITH (
	'connector' = 'kafka', 'topic' = 'sightings', 'properties.bootstrap.servers' = 'BROKER',
	'properties.isolation.level' = 'read_committed',
	'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset',
	'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'
);
CREATE TABLE counts (
	line STRING
) WITH (
	'connector' = 'kafka', 'topic' = 'counts', 'properties.bootstrap.servers' = 'BROKER', 'format' = 'raw',
	'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'counts', 'properties.transaction.timeout.ms' = '60000'
);
INSERT INTO counts
SELECT camera || ' ' || DATE_FORMAT(window_start, 'yyyy-MM-dd HH:mm:ss') || '|' || CAST(SUM(people) AS STRING)
FROM (
	SELECT camera, window_start, window_end, CARDINALITY(objects) AS people
	FROM TABLE(TUMBLE(TABLE sightings, DESCRIPTOR(captured_at), INTERVAL '2' SECONDS))
)
GROUP BY camera, window_start, window_end;
`
