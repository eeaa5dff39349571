package audit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/audit"
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
