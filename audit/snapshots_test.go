package audit_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/usage"
)

// A live camera's crossings that have pictures are asked, none of the stretches; precision is what is found, and
// nothing is said of what was missed.
func TestAudit_SnapshotsOfALiveCamera_PrecisionAlone(t *testing.T) {
	t.Parallel()
	pool := yard(t)
	began := noon.Add(24 * time.Hour)
	s := &audit.Subject{Camera: "yard", Since: began, Until: began.Add(time.Hour), Snapshots: true}
	runs, err := audit.Find(t.Context(), pool, s)
	require.NoError(t, err)
	require.Len(t, runs, 1)
	_, err = audit.Read(t.Context(), pool, s, runs)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "no crossing in that time has pictures")

	for _, sql := range []string{
		`INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
		 SELECT timestamptz '2026-05-02 12:00Z' + n * interval '1 s', 1, 2, n, 'gate', n, CASE WHEN n % 4 = 0 THEN 'out' ELSE 'in' END, 0, 'person'
		 FROM generate_series(1, 20) n`,
		`INSERT INTO snapshots (run_id, track_id, crossing_seq, step, camera_id, captured_at, seq, score, quality, box, region, frame_width, frame_height,
			width, height, bytes, jpeg)
		 SELECT 2, n, n, step, 1, timestamptz '2026-05-02 12:00Z' + n * interval '1 s' + step * interval '0.7 s', n, 1, 1, '{1,2,3,4}', '{0,0,50,60}',
			100, 100, 5, 6, 3, convert_to(step::text, 'UTF8')
		 FROM generate_series(1, 18) n, generate_series(-1, 1) step`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	p, err := audit.Read(t.Context(), pool, s, runs)
	require.NoError(t, err)
	require.Equal(t, audit.Sizes{In: 14, Out: 4, Stretches: -1}, p.Sizes())
	require.Equal(t, 2, p.NoPictures)
	shown, err := p.Snapshots(t.Context(), pool, p.Units[audit.In][0])
	require.NoError(t, err)
	require.Len(t, shown, 3)
	for i, want := range []string{"-1", "0", "1"} {
		require.Equal(t, want, string(shown[i].JPEG))
		require.Equal(t, time.Second+time.Duration(i-1)*700*time.Millisecond, shown[i].At)
	}

	sample := audit.Draw(p, 30, 1)
	require.Len(t, sample, 18)
	d, err := audit.Save(t.Context(), pool, s, p, 1, sample)
	require.NoError(t, err)
	file := &audit.File{Audit: d.ID, DrawnAt: d.DrawnAt}
	wrong := 0
	for i, u := range sample {
		a := audit.FileAnswer{Item: i + 1, Answer: audit.Right}
		if u.Kind == audit.In && wrong < 7 {
			a.Answer = audit.Wrong
			wrong++
		}
		file.Answers = append(file.Answers, a)
	}
	_, in, out, err := file.Answer(t.Context(), pool, "answers")
	require.NoError(t, err)
	require.Equal(t, "in: counted 14; precision 50.0 % (7 of 14); recall is not estimated: snapshots show no crossing that was missed", in.Sentence(audit.In))
	require.Contains(t, out.Sentence(audit.Out), "precision 100.0 % (4 of 4); recall is not estimated")
	var unknown, known int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FILTER (WHERE actual IS NULL AND recall IS NULL AND accuracy IS NULL),"+
		" count(precision) FROM audit_results").Scan(&unknown, &known))
	require.Equal(t, []int{2, 2}, []int{unknown, known})
}

// pattern are 100 seconds of the live camera, a frame a second with somebody near the line in all but the
// last 20, ten crossings with pictures, and pictures of some stretches.
func pattern(t *testing.T, pool *pgxpool.Pool, name string, aDay int, stretches ...int) {
	t.Helper()
	_, err := pool.Exec(t.Context(), "UPDATE runs SET run = $1, stretches = $2 WHERE run = 'live'", name, aDay)
	require.NoError(t, err)
	for _, sql := range []string{
		"DELETE FROM sightings WHERE run_id = 2",
		`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
		 SELECT '2026-05-02 12:00Z'::timestamptz + n * interval '1 s', 1, 2, n, n * 1000000, 0, 0, 100, 100, 0, 0 FROM generate_series(0, 99) n`,
		`INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
		 SELECT timestamptz '2026-05-02 12:00Z' + n * interval '5 s', 1, 2, 5 * n, 'gate', n, CASE WHEN n % 2 = 0 THEN 'out' ELSE 'in' END, 0, 'person'
		 FROM generate_series(1, 10) n`,
		`INSERT INTO snapshots (run_id, track_id, crossing_seq, step, camera_id, captured_at, seq, score, quality, box, region, frame_width, frame_height,
			width, height, bytes, jpeg)
		 SELECT 2, n, 5 * n, 0, 1, timestamptz '2026-05-02 12:00Z' + n * interval '5 s', 5 * n, 1, 1, '{1,2,3,4}', '{0,0,50,60}', 100, 100, 5, 6, 3, 'x'
		 FROM generate_series(1, 9) n`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	pgtest.AddDetections(t, pool, `SELECT captured_at, camera_id, run_id, seq, 4, 0, 0, 0.9, 40, 50, 50, 70, NULL::text[]
		FROM sightings WHERE run_id = 2 AND seq < 78`)
	for _, k := range stretches {
		_, err := pool.Exec(t.Context(), `INSERT INTO snapshots (run_id, track_id, crossing_seq, step, camera_id, captured_at, seq, score, quality, box, region,
				frame_width, frame_height, width, height, bytes, jpeg)
			SELECT 2, 0, $1::int, step, 1, timestamptz '2026-05-02 12:00Z' + $1::int * interval '10 s' + step * interval '0.5 s', 10 * $1::int, 0, 1, '{0,0,0,0}', '{0,0,50,60}',
				100, 100, 5, 6, 3, convert_to(step::text, 'UTF8') FROM generate_series(0, 19) step`, k)
		require.NoError(t, err)
	}
}

// A live camera that kept pictures of stretches drawn at random: what was missed is asked, and the figures
// are of all stretches near the line.
func TestAudit_StretchesOfALiveCamera_RecallToo(t *testing.T) {
	t.Parallel()
	pool := yard(t)
	name := "live-1"
	var drawn, kept []int
	for k := range 8 { // with somebody near the line
		if event.StretchDrawn(name, int64(k), 4320) {
			drawn = append(drawn, k)
		}
	}
	require.Greater(t, len(drawn), 2)
	kept = drawn[1:] // one was lost
	pattern(t, pool, name, 4320, kept...)
	began := noon.Add(24 * time.Hour)
	s := &audit.Subject{Camera: "yard", Since: began, Until: began.Add(time.Hour), Snapshots: true}
	p := population(t, pool, s)
	// The oldest picture is of the fifth second: before, some may have been deleted.
	require.Equal(t, audit.Sizes{In: 5, Out: 4, Stretches: 8}, p.Sizes())
	require.Equal(t, []int{1, 1, 2, 0}, []int{p.NoPictures, p.LostOnes, p.LeftOut, p.OtherRuns})
	var asked []int
	for _, u := range p.Units[audit.Stretch] {
		asked = append(asked, int(u.From/audit.Length))
		shown, err := p.Snapshots(t.Context(), pool, u)
		require.NoError(t, err)
		require.Len(t, shown, 20)
		require.Equal(t, u.From, shown[0].At)
		require.Equal(t, "19", string(shown[19].JPEG))
		tracks, err := p.Tracks(t.Context(), pool, s, u)
		require.NoError(t, err)
		require.Equal(t, u.From < 51*time.Second, len(tracks) > 0, "crossings that were counted are shown, with pictures or without")
	}
	require.Equal(t, kept, asked)

	sample := audit.Draw(p, 100, 1)
	d, err := audit.Save(t.Context(), pool, s, p, 1, sample)
	require.NoError(t, err)
	file := &audit.File{Audit: d.ID, DrawnAt: d.DrawnAt}
	for i, u := range sample {
		a := audit.FileAnswer{Item: i + 1, Answer: audit.Right}
		if u.Kind == audit.Stretch {
			a.Answer, a.In = audit.Missed, 1
		}
		file.Answers = append(file.Answers, a)
	}
	_, in, out, err := file.Answer(t.Context(), pool, "answers")
	require.NoError(t, err)
	require.Equal(t, 5+8.0, in.Actual.Value, "one was missed in each of the eight")
	require.Greater(t, in.Actual.High, in.Actual.Value, "not all were asked")
	require.Equal(t, 4.0, out.Actual.Value)
	require.Contains(t, in.Sentence(audit.In), "recall 38 %")

	// Another run that kept none says nothing of what was missed.
	_, err = pool.Exec(t.Context(), "UPDATE definitions SET points = '{.4,0,.4,1}' WHERE name = 'gate'")
	require.NoError(t, err)
	s = &audit.Subject{Camera: "yard", Line: "gate", Since: noon, Until: began.Add(time.Hour), Snapshots: true}
	p = population(t, pool, s)
	require.Equal(t, []int{1, 1}, []int{p.OtherRuns, len(p.Runs)})
	require.Equal(t, 8, p.Sizes().Stretches)
}

// Pictures that have been deleted, the oldest first: the audited time begins where they do.
func TestAudit_OldestPicturesDeleted_TimeBeginsWithTheRest(t *testing.T) {
	t.Parallel()
	pool := yard(t)
	pattern(t, pool, "live-2", event.StretchesADay, 3, 4, 5, 6, 7)
	_, err := pool.Exec(t.Context(), "DELETE FROM snapshots WHERE captured_at < '2026-05-02 12:00:35Z'")
	require.NoError(t, err)
	began := noon.Add(24 * time.Hour)
	p := population(t, pool, &audit.Subject{Camera: "yard", Since: began, Until: began.Add(time.Hour), Snapshots: true})
	require.Equal(t, audit.Sizes{In: 2, Out: 1, Stretches: 5}, p.Sizes(), "crossings of second 35, 40 and 45")
	require.Equal(t, 35*time.Second, p.Units[audit.Stretch][0].From)
	shown, err := p.Snapshots(t.Context(), pool, p.Units[audit.Stretch][0])
	require.NoError(t, err)
	require.Len(t, shown, 10)
}
