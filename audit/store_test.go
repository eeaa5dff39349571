package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/audit"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
	"github.com/sightlog/sightlog/usage"
)

// noon is position 0 of the run of yard.
var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// yard makes a camera that read a file of 70 s at a frame a second, with a line from the top to the bottom in the
// middle of 100 x 100 pixels. A box of height 20 is left of it at 0 and 1 s, near it from 14 to 16 s, and far from
// it from 40 s on. Crossings in are at 15 s and 16 s, one out at 62 s.
func yard(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	for _, sql := range []string{
		"INSERT INTO cameras (name) VALUES ('yard'), ('attic')",
		`INSERT INTO runs (camera_id, run, source_kind, source, fingerprint, model, model_sha256, model_width, model_height, provider, started_at)
		 VALUES (1, 'r1', 'file', '/yard.avi', 'f', 'm', '', 1, 1, 'cpu', '2026-05-01 12:00Z'), (1, 'live', 'stream', 'rtsp://x', NULL, 'm', '', 1, 1, 'cpu', '2026-05-02 12:00Z')`,
		"INSERT INTO definitions (camera_id, run_id, kind, name, points) VALUES (1, 1, 'line', 'gate', '{.5,0,.5,1}'), (1, 1, 'zone', 'z', '{0,0,1,0,1,1}')",
		"INSERT INTO definitions (camera_id, run_id, kind, name, points) VALUES (1, 2, 'line', 'gate', '{.4,0,.4,1}')",
		`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
		 SELECT '2026-05-01 12:00Z'::timestamptz + n * interval '1 s', 1, 1, n, n * 1000000, 0, 0, 100, 100, 0, 0 FROM generate_series(0, 69) n`,
		`INSERT INTO sightings (captured_at, camera_id, run_id, seq, pts_us, batch_id, dropped_before, width, height, people, objects)
		 VALUES ('2026-05-02 12:00Z', 1, 2, 0, 0, 0, 0, 100, 100, 0, 0)`,
		`INSERT INTO crossings (captured_at, camera_id, run_id, seq, line, track_id, direction, class_id, label)
		 VALUES ('2026-05-01 12:00:15Z', 1, 1, 15, 'gate', 4, 'in', 0, 'person'), ('2026-05-01 12:00:16Z', 1, 1, 16, 'gate', 5, 'in', 0, 'person'),
		        ('2026-05-01 12:01:02Z', 1, 1, 62, 'gate', 6, 'out', 0, 'person'), ('2026-05-01 12:00:15Z', 1, 1, 15, 'back', 4, 'in', 0, 'person')`,
	} {
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err)
	}
	pgtest.AddDetections(t, pool, `SELECT captured_at, camera_id, run_id, seq, 4, 0, 0, 0.9, x - 5, 50, x + 5, 70, NULL::text[]
		FROM sightings, LATERAL (SELECT CASE WHEN seq < 2 THEN 29 WHEN seq BETWEEN 14 AND 16 THEN 31 + 18 * (seq - 14) WHEN seq = 52 THEN 50 WHEN seq >= 40 THEN 90 END AS x) p
		WHERE x IS NOT NULL AND run_id = 1`)
	_, err := pool.Exec(t.Context(), `UPDATE sightings SET states = '\x03' WHERE seq = 52`) // a thing, on the line
	require.NoError(t, err)
	return pool
}

// day is the subject of the whole time of yard's file.
func day() *audit.Subject {
	return &audit.Subject{Camera: "yard", Since: noon, Until: noon.Add(time.Hour)}
}

func population(t *testing.T, pool *pgxpool.Pool, s *audit.Subject) *audit.Population {
	t.Helper()
	runs, err := audit.Find(t.Context(), pool, s)
	require.NoError(t, err)
	p, err := audit.Read(t.Context(), pool, s, runs)
	require.NoError(t, err)
	return p
}

func TestRead_DetectionsNearTheLine_StretchesAroundThem(t *testing.T) {
	t.Parallel()
	pool, s := yard(t), day()
	p := population(t, pool, s)
	require.Equal(t, []string{"gate", "r1"}, []string{s.Line, p.Runs[0].Name})
	require.Equal(t, audit.Line{{.5, 0}, {.5, 1}}, s.Points)
	second := func(kind audit.Kind, n, track int64) audit.Unit {
		at := time.Duration(n) * time.Second
		return audit.Unit{Kind: kind, From: at, Until: at, Seq: n, TrackID: track}
	}
	require.Equal(t, map[audit.Kind][]audit.Unit{
		audit.In:  {second(audit.In, 15, 4), second(audit.In, 16, 5)},
		audit.Out: {second(audit.Out, 62, 6)},
		// 14 to 16 s, 2 s before and after: 12 to 18 s.
		audit.Stretch: {{Kind: audit.Stretch, From: 10 * time.Second, Until: 20 * time.Second}},
	}, p.Units)
	require.Equal(t, 6, p.LeftOut)

	// A part of the time has parts of stretches.
	s = day()
	s.Since, s.Until = noon.Add(16*time.Second), noon.Add(65*time.Second)
	p = population(t, pool, s)
	require.Equal(t, audit.Sizes{In: 1, Out: 1, Stretches: 1}, p.Sizes())
	require.Equal(t, 16*time.Second, p.Units[audit.Stretch][0].From)
	require.Equal(t, 5, p.LeftOut)

	// Crossings of a time whose sightings were deleted are not audited.
	_, err := pool.Exec(t.Context(), "DELETE FROM sightings WHERE seq < 16")
	require.NoError(t, err)
	p = population(t, pool, day())
	require.Equal(t, audit.Sizes{In: 1, Out: 1, Stretches: 1}, p.Sizes())
	require.Equal(t, 1, p.Expired)
}

func TestNear_Feet_WithinTheBoxsHeightOfTheSegment(t *testing.T) {
	t.Parallel()
	line := audit.Line{{.5, .2}, {.5, .6}}
	for box, want := range map[event.Box]bool{
		{95, 50, 105, 100}:  true,  // on it: feet at 100, 100
		{45, 50, 55, 100}:   true,  // 50 beside it, as high
		{43, 50, 53, 100}:   false, // 52 beside it
		{95, 60, 105, 155}:  true,  // 35 below its end
		{95, 60, 105, 110}:  true,
		{95, 90, 105, 110}:  true,
		{75, 95, 85, 110}:   false, // 20 beside it, 15 high
		{95, 140, 105, 160}: false, // beyond its end
		{0, 0, 0, 0}:        false,
	} {
		require.Equal(t, want, line.Near(box, event.Size{Width: 200, Height: 200}), "%v", box)
	}
}

func TestFind_MistakesInTheRequest_OneLineEach(t *testing.T) {
	t.Parallel()
	pool := yard(t)
	for says, change := range map[string]func(*audit.Subject){
		"--camera cellar is not in the database; sightlog query latest lists the cameras": func(s *audit.Subject) { s.Camera = "cellar" },
		"camera attic has no line in that time; give another --since":                     func(s *audit.Subject) { s.Camera = "attic" },
		`camera yard has no line "door" in that time; it has gate`:                        func(s *audit.Subject) { s.Line = "door" },
		"camera yard has no line in that time":                                            func(s *audit.Subject) { s.Until = noon.Add(-time.Hour); s.Since = noon.Add(-2 * time.Hour) },
		"--run r9 of camera yard has no line in that time":                                func(s *audit.Subject) { s.Run = "r9" },
		"camera yard counted from a live source in that time, which cannot be read again": func(s *audit.Subject) { s.Since, s.Until = noon.Add(20*time.Hour), noon.Add(30*time.Hour) },
	} {
		s := day()
		change(s)
		_, err := audit.Find(t.Context(), pool, s)
		require.True(t, usage.Is(err), "%s: %v", says, err)
		require.ErrorContains(t, err, says)
	}
	_, err := pool.Exec(t.Context(), "INSERT INTO definitions (camera_id, run_id, kind, name, points) VALUES (1, 1, 'line', 'back', '{0,0,1,1}')")
	require.NoError(t, err)
	_, err = audit.Find(t.Context(), pool, day())
	require.ErrorContains(t, err, "camera yard has lines back, gate; add --line NAME")

	_, err = pool.Exec(t.Context(), "UPDATE runs SET source_kind = 'file' WHERE run = 'live'")
	require.NoError(t, err)
	moved := day()
	moved.Line, moved.Until = "gate", noon.Add(30*time.Hour)
	_, err = audit.Find(t.Context(), pool, moved)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "line gate was moved in that time, and an audit is of one definition")
}

func TestRead_NothingInTheTables_SaysWhy(t *testing.T) {
	t.Parallel()
	pool, s := yard(t), day()
	runs, err := audit.Find(t.Context(), pool, s)
	require.NoError(t, err)
	s.Since, s.Until = noon.Add(25*time.Second), noon.Add(27*time.Second)
	_, err = audit.Read(t.Context(), pool, s, runs)
	require.True(t, usage.Is(err), "%v", err)
	require.ErrorContains(t, err, "line gate of camera yard: no crossing in that time, and no detection near the line in the tables")
}

// drawn stores an audit of all that yard has.
func drawn(t *testing.T, pool *pgxpool.Pool) *audit.Drawn {
	t.Helper()
	s := day()
	p := population(t, pool, s)
	d, err := audit.Save(t.Context(), pool, s, p, 1<<62, audit.Draw(p, 100, 1<<62))
	require.NoError(t, err)
	return d
}

// answered returns the file of a drawn audit: all crossings are right, but the first one in that is
// asked for is as given, and the stretch has missed one out.
func answered(d *audit.Drawn, in string) *audit.File {
	f := &audit.File{Audit: d.ID, DrawnAt: d.DrawnAt}
	for i, u := range d.Sample {
		a := audit.FileAnswer{Item: i + 1, Answer: audit.Right}
		switch u.Kind {
		case audit.Stretch:
			a = audit.FileAnswer{Item: i + 1, Answer: audit.Missed, Out: 1}
		case audit.In:
			a.Answer, in = in, audit.Right
		}
		f.Answers = append(f.Answers, a)
	}
	return f
}

func TestAnswer_StoredTwice_TheLastIsInTheTables(t *testing.T) {
	t.Parallel()
	pool := yard(t)
	d := drawn(t, pool)
	_, _, _, err := answered(d, audit.Wrong).Answer(t.Context(), pool, "f")
	require.NoError(t, err)
	_, in, out, err := answered(d, audit.Reversed).Answer(t.Context(), pool, "f")
	require.NoError(t, err)
	require.Equal(t, "in 200.0 %: counted 2, actual 1; precision 50.0 % (1 of 2); recall 100.0 % (0 missed in the sample)", in.Sentence(audit.In))
	require.Equal(t, "out 33.3 %: counted 1, actual 3; precision 100.0 % (1 of 1); recall 33.3 % (1 missed in the sample)", out.Sentence(audit.Out))
	require.Equal(t, []string{
		"yardgate[0.5 0 0.5 1]in2 1 2 0.5 1", "yardgate[0.5 0 0.5 1]out1 3 0.3333333333333333 1 0.3333333333333333",
		"1 [r1] 2 1 1 6 4611686018427387904 true",
		"inreversed1 <nil> <nil>", "inright1 <nil> <nil>", "outright1 <nil> <nil>", "stretchmissed1 0 1",
	}, pgtest.Lines(t, pool,
		"SELECT camera, line, points, direction, counted, actual, accuracy, precision, recall FROM v_audits ORDER BY direction",
		"SELECT id, runs, counted_in, counted_out, stretches, left_out, seed, answered_at IS NOT NULL FROM audits",
		"SELECT kind, answer, count(*), max(missed_in), max(missed_out) FROM audit_answers GROUP BY 1, 2 ORDER BY 1, 2"))
}

func TestAnswer_FilesThatDoNotFit_OneLineAndNothingStored(t *testing.T) {
	t.Parallel()
	pool := yard(t)
	d := drawn(t, pool)
	for says, change := range map[string]func(*audit.File){
		"f: it is of audit 9 drawn at":             func(f *audit.File) { f.Audit = 9 },
		"f: it is of audit 1 drawn at 2026":        func(f *audit.File) { f.DrawnAt = f.DrawnAt.Add(time.Microsecond) },
		"f: item 5 is not one of the 4 of audit 1": func(f *audit.File) { f.Answers[0].Item = 5 },
		"f: item 2 is answered twice":              func(f *audit.File) { f.Answers[0].Item = 2 },
		`is "maybe", not one of`:                   func(f *audit.File) { f.Answers[0].Answer = "maybe" },
		`is "", not one of`:                        func(f *audit.File) { f.Answers[0].Answer = "" },
		"has 0 and 100 missed crossings":           func(f *audit.File) { f.Answers[place(d, audit.Stretch)].Out = 100 },
		"has 1 and 0 missed crossings":             func(f *audit.File) { f.Answers[place(d, audit.Out)].In = 1 },
		`"right", not one of missed, unclear`:      func(f *audit.File) { f.Answers[place(d, audit.Stretch)].Answer = "right" },
		"no item of kind out is answered":          func(f *audit.File) { f.Answers[place(d, audit.Out)].Answer = audit.Unclear },
		"no item of kind stretch is answered; answer": func(f *audit.File) {
			i := place(d, audit.Stretch)
			f.Answers = append(f.Answers[:i], f.Answers[i+1:]...)
		},
	} {
		f := answered(d, audit.Right)
		change(f)
		_, _, _, err := f.Answer(t.Context(), pool, "f")
		require.True(t, usage.Is(err), "%s: %v", says, err)
		require.ErrorContains(t, err, says)
	}
	require.Equal(t, []string{"0 0"}, pgtest.Lines(t, pool, "SELECT (SELECT count(*) FROM audit_results), (SELECT count(answer) FROM audit_answers)"))
}

// place returns where the sample has its first unit of a kind.
func place(d *audit.Drawn, kind audit.Kind) int {
	for i, u := range d.Sample {
		if u.Kind == kind {
			return i
		}
	}
	return -1
}

func TestReadFile_NotTheFileOfAPage_OneLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "[]", "{}", `{"audit":"1"}`, `{"audit":-1}`, `{"audit":1,"drawn_at":"yesterday"}`, strings.Repeat(" ", 17<<20)} {
		_, err := audit.ReadFile("f", strings.NewReader(text))
		require.True(t, usage.Is(err), fmt.Sprintf("%.20q: %v", text, err))
		require.ErrorContains(t, err, "give the file that the page of an audit saves")
	}
}

func TestSentence_Figures_AsAUserReadsThem(t *testing.T) {
	t.Parallel()
	in, _ := audit.Compute(audit.Sizes{In: 3}, make([]audit.Unit, 0), nil)
	require.Contains(t, in.Sentence(audit.In), "in not defined: counted 3")
	units := []audit.Unit{{Kind: audit.In}, {Kind: audit.In}}
	in, out := audit.Compute(audit.Sizes{In: 2}, units, []audit.Answer{{Verdict: audit.Wrong}, {Verdict: audit.Wrong}})
	require.Equal(t, "in not defined: counted 2, actual 0; precision 0.0 % (0 of 2)", in.Sentence(audit.In))
	require.Equal(t, "out not defined: counted 0, actual 0", out.Sentence(audit.Out))
	in, _ = audit.Compute(audit.Sizes{In: 500}, units, []audit.Answer{{Verdict: audit.Wrong}, {Verdict: audit.Wrong}})
	require.Contains(t, in.Sentence(audit.In), ": counted 500, actual 0 (0 to ")
}

func TestTracks_CrossingOfATrackThatLeft_LastSpotsOfIt(t *testing.T) {
	t.Parallel()
	pool, s := yard(t), day()
	p := population(t, pool, s)
	left := audit.Unit{Kind: audit.Out, From: 20 * time.Second, Until: 20 * time.Second, Seq: 20, TrackID: 4} // by the edge rule
	p.Units[audit.Out] = append(p.Units[audit.Out], left)
	for _, c := range []struct {
		unit audit.Unit
		want []int // second of the crossing, and of the spots
	}{
		{p.Units[audit.In][0], []int{15, 14, 15, 16}},
		{left, []int{16, 14, 15, 16}},
		{p.Units[audit.Out][0], []int{62}},
		{p.Units[audit.Stretch][0], []int{15, 14, 15, 16, 16, 16, 14, 15, 16}}, // both in, the second of which has another track, and the one out
	} {
		tracks, err := p.Tracks(t.Context(), pool, s, c.unit)
		require.NoError(t, err)
		var got []int
		for _, track := range tracks {
			got = append(got, int(track.At/time.Second))
			for _, spot := range track.Spots {
				got = append(got, int(spot.At/time.Second))
			}
		}
		require.Equal(t, c.want, got, "%+v", c.unit)
	}
	tracks, err := p.Tracks(t.Context(), pool, s, left)
	require.NoError(t, err)
	_, ok := tracks[0].Nearest(16*time.Second + 400*time.Millisecond)
	require.False(t, ok)
	spot, ok := tracks[0].Nearest(15*time.Second + 200*time.Millisecond)
	require.True(t, ok)
	require.Equal(t, event.Box{44, 50, 54, 70}, spot.Box)
}
