package query_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/pgtest"
)

// fleet is a generated past of cameras cam-0, cam-1 and so on: their sightings until now,
// and the totals that a sink would have written with them. People come by the hour (few at
// night, a crowd at noon) and by the camera (the last sees 40 times as many as the first),
// stay for 30 to 600 seconds, and walk through none to three zones and over a line.
type fleet struct {
	cameras int
	past    time.Duration
	every   time.Duration // between the frames of a camera
	people  float64       // in a frame, on average

	rand    *rand.Rand
	scene   []scene
	minutes [][]any // of camera_minutes, and so on
	zones   [][]any
	tracks  [][]any
	visits  [][]any
	crossed [][]any
}

// scene is a camera with the minute so far and the people in its picture.
type scene struct {
	run    int32
	busy   float64 // of the people in an average camera's picture
	seq    int64
	tracks int64
	inside []*person

	minute                                          time.Time
	frames, peopleFrames, people, most, first, bits int64
	zones                                           [len(zoneNames)]struct{ frames, people, most int64 }
}

type person struct {
	id                 int64
	until, first, last time.Time
	x, y, step         float32
	frames             int64
	score              float32
	path               []float32
	stays              [len(zoneNames)][]stay
}

type stay struct {
	entered, left time.Time
	frames        int64
}

// The zones cover strips of the picture, from a left edge to a right one, and overlap.
var (
	zoneNames = [...]string{"door", "yard", "gate"}
	zoneEdges = [...][2]float32{{0, 500}, {400, 1200}, {1100, 1500}}
	zoneSets  = [...]string{"{door}", "{yard}", "{door,yard}", "{gate}", "{}", "{yard,gate}"} // by the bits of the zones, from 1
)

const middle = 960 // x, of the line

// atHour is how many people there are at an hour of the day, as a part of the average.
var atHour = [24]float64{.05, .03, .02, .02, .03, .1, .3, .8, 1.4, 1.2, 1.1, 1.6, 4.5, 3, 1.3, 1.2, 1.4, 1.8, 1.6, 1.1, .7, .4, .2, .1}

// open returns a database with the fleet.
func (f *fleet) open(t testing.TB) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.Open(t)
	f.fill(t, pool)
	return pool
}

// fill writes the fleet into empty tables.
func (f *fleet) fill(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	f.rand = rand.New(rand.NewPCG(1, 2))
	until := time.Now().UTC().Truncate(time.Minute)
	from := until.Add(-f.past)
	exec(t, pool, "SELECT sightlog_ensure_day(d::date) FROM generate_series($1::timestamptz, $2, '1 day') d UNION ALL SELECT sightlog_ensure_day($2::timestamptz::date)", from, until)
	exec(t, pool, "INSERT INTO cameras (name) SELECT 'cam-' || n FROM generate_series(0, $1::integer - 1) n", f.cameras)
	exec(t, pool, `INSERT INTO runs (camera_id, run, source_kind, model, model_sha256, model_width, model_height, provider, started_at)
		SELECT id, 'run-' || name, 'stream', 'person-nano', '', 416, 320, 'cpu', $1 FROM cameras ORDER BY id`, from)
	exec(t, pool, "INSERT INTO classes SELECT id, 0, 'person' FROM runs")
	exec(t, pool, "UPDATE runs SET frame_width = 1920, frame_height = 1080")
	exec(t, pool, "INSERT INTO definitions (camera_id, run_id, kind, name, points) SELECT camera_id, id, 'line', 'middle', '{0.5,0,0.5,1}' FROM runs")
	exec(t, pool, "INSERT INTO places (name, reset_at, tz, label) VALUES ('shop', '04:00', 'Europe/Berlin', 'person')")
	exec(t, pool, "INSERT INTO place_lines SELECT 1, 'cam-' || c, 'middle', false FROM generate_series(0, 1) c")
	for _, zones := range zoneSets {
		exec(t, pool, "INSERT INTO zone_sets (zones) VALUES ($1::text::text[])", zones)
	}
	for i := range f.cameras {
		f.scene = append(f.scene, scene{run: int32(i + 1), busy: f.busy(i)})
	}
	for at := from; at.Before(until); at = at.Add(time.Hour) {
		f.hour(t, pool, from, at, minTime(at.Add(time.Hour), until))
	}
	for i := range f.scene {
		f.endMinute(&f.scene[i])
		for _, p := range f.scene[i].inside {
			f.leave(&f.scene[i], p)
		}
	}
	f.flush(t, pool)
	exec(t, pool, "INSERT INTO batches SELECT n, $1::timestamptz + n * $2::interval, $1::timestamptz + n * $2::interval, $3 FROM generate_series(0, (SELECT max(batch_id) FROM sightings)) n", from, f.every, f.cameras)
	exec(t, pool, "INSERT INTO crossing_minutes SELECT camera_id, line, date_trunc('minute', captured_at), run_id, direction, label, count(*) FROM crossings GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 3")
	exec(t, pool, "SELECT sightlog_rebuild_half_hours('-infinity')")
	exec(t, pool, "INSERT INTO crossing_half_hours SELECT camera_id, line, sightlog_half_hour(minute), run_id, direction, label, sum(crossings) FROM crossing_minutes GROUP BY 1, 2, 3, 4, 5, 6")
	exec(t, pool, `INSERT INTO latest_sightings SELECT s.* FROM cameras c CROSS JOIN LATERAL (
		SELECT camera_id, captured_at, run_id, seq, people, objects FROM sightings WHERE camera_id = c.id ORDER BY captured_at DESC LIMIT 1) s`)
	exec(t, pool, "VACUUM ANALYZE")
}

// busy spreads the cameras from a fifth of the average to eight times as much as that.
func (f *fleet) busy(i int) float64 {
	sum := 0.0
	weight := func(i int) float64 { return math.Pow(40, float64(i)/float64(max(1, f.cameras-1))) }
	for k := range f.cameras {
		sum += weight(k)
	}
	return weight(i) * float64(f.cameras) / sum
}

// hour writes the sightings of a time in the order in which a sink gets them, and the
// totals of all minutes, tracks and visits that have ended.
func (f *fleet) hour(t testing.TB, pool *pgxpool.Pool, from, begin, end time.Time) {
	t.Helper()
	at, camera := begin, 0
	columns := []string{"captured_at", "camera_id", "run_id", "seq", "pts_us", "grabbed_at", "decoded_at", "inferred_at", "produced_at", "batch_id",
		"dropped_before", "width", "height", "people", "objects", "class_ids", "boxes", "track_ids", "zone_set_ids"}
	_, err := pool.CopyFrom(context.Background(), pgx.Identifier{"sightings"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if camera == f.cameras {
			at, camera = at.Add(f.every), 0
		}
		if !at.Before(end) {
			return nil, nil
		}
		row := f.frame(&f.scene[camera], at.Add(time.Duration(camera)*time.Millisecond), int64(at.Sub(from)/f.every))
		camera++
		return row, nil
	}))
	require.NoError(t, err)
	f.flush(t, pool)
}

// frame returns the row of a camera's next frame, and counts it.
func (f *fleet) frame(s *scene, at time.Time, batch int64) []any {
	f.come(s, at)
	if minute := at.Truncate(time.Minute); !minute.Equal(s.minute) {
		f.endMinute(s)
		s.minute, s.first = minute, s.seq
	}
	n := int64(len(s.inside))
	s.frames, s.people, s.most = s.frames+1, s.people+n, max(s.most, n)
	s.peopleFrames += min(n, 1)
	s.bits |= 1 << at.Second()
	var classes []int16
	var boxes []float32
	var tracks []int32
	var sets []pgtype.Int4
	var inZone [len(zoneNames)]int64
	for i, p := range s.inside {
		score := .95 - float32(min(i, 600))/1000
		zones := f.walk(s, p, at, score)
		for z := range inZone {
			inZone[z] += int64(zones >> z & 1)
		}
		classes, tracks = append(classes, 0), append(tracks, int32(p.id))
		boxes = append(boxes, p.x-45, p.y-220, p.x+45, p.y, score)
		sets = append(sets, pgtype.Int4{Int32: int32(zones), Valid: zones > 0})
	}
	for z, n := range inZone {
		if n > 0 {
			zone := &s.zones[z]
			zone.frames, zone.people, zone.most = zone.frames+1, zone.people+n, max(zone.most, n)
		}
	}
	row := []any{at, s.run, s.run, s.seq, s.seq * f.every.Microseconds(), at, at.Add(3 * time.Millisecond), at.Add(40 * time.Millisecond), at.Add(41 * time.Millisecond), batch,
		0, 1920, 1080, n, n, classes, boxes, tracks, sets}
	s.seq++
	return row
}

// come has people come and leave.
func (f *fleet) come(s *scene, at time.Time) {
	stayed := s.inside[:0]
	for _, p := range s.inside {
		if p.until.After(at) {
			stayed = append(stayed, p)
		} else {
			f.leave(s, p)
		}
	}
	s.inside = stayed
	const meanStay = 190.0 // of 30·20^u seconds, u from 0 to 1
	hour := at.Hour()
	next := float64(at.Minute()) / 60
	now := atHour[hour]*(1-next) + atHour[(hour+1)%24]*next
	for wait := f.rand.ExpFloat64(); ; wait += f.rand.ExpFloat64() {
		if wait > f.people*s.busy*now*f.every.Seconds()/meanStay {
			return
		}
		stays := 30 * math.Pow(20, f.rand.Float64())
		from, to := 45+1830*f.rand.Float32(), 45+1830*f.rand.Float32()
		s.inside = append(s.inside, &person{
			id: s.tracks, until: at.Add(time.Duration(stays * float64(time.Second))), first: at,
			x: from, y: 250 + 800*f.rand.Float32(), step: (to - from) / float32(max(1, stays/f.every.Seconds())),
		})
		s.tracks++
	}
}

// walk moves a person on and returns the zones it is in, bit n for the zone n.
func (f *fleet) walk(s *scene, p *person, at time.Time, score float32) (zones int) {
	if before := p.x; p.frames > 0 {
		p.x = min(1875, max(45, p.x+p.step))
		if (before < middle) != (p.x < middle) {
			direction := "in"
			if p.step < 0 {
				direction = "out"
			}
			f.crossed = append(f.crossed, []any{at, s.run, s.run, s.seq, "middle", p.id, direction, 0, "person"})
		}
	}
	if p.frames == 0 || !at.Truncate(time.Second).Equal(p.last.Truncate(time.Second)) {
		p.path = append(p.path, ((p.x-45)+(p.x+45))/2, p.y)
	}
	p.last, p.score = at, max(p.score, score)
	p.frames++
	for z, edge := range zoneEdges {
		if p.x < edge[0] || p.x >= edge[1] {
			continue
		}
		zones |= 1 << z
		stays := p.stays[z]
		if n := len(stays); n == 0 || at.Sub(stays[n-1].left) > 10*time.Second {
			stays = append(stays, stay{entered: at})
		}
		last := &stays[len(stays)-1]
		last.left, last.frames = at, last.frames+1
		p.stays[z] = stays
	}
	return zones
}

func (f *fleet) leave(s *scene, p *person) {
	if p.frames == 0 {
		return
	}
	f.tracks = append(f.tracks, []any{s.run, p.id, s.run, 0, p.first, p.last, p.frames, p.score, p.path[:min(len(p.path), 1200)]})
	for z, stays := range p.stays {
		for _, v := range stays {
			f.visits = append(f.visits, []any{s.run, p.id, zoneNames[z], v.entered, v.left, s.run, v.frames})
		}
	}
}

func (f *fleet) endMinute(s *scene) {
	if s.frames > 0 {
		f.minutes = append(f.minutes, []any{s.run, s.minute, s.run, s.frames, s.peopleFrames, s.people, s.most, s.people, 0, s.bits, s.first, s.seq - 1})
	}
	for z, m := range s.zones {
		if m.frames > 0 {
			f.zones = append(f.zones, []any{s.run, zoneNames[z], s.minute, s.run, m.frames, m.people, m.most})
		}
		s.zones[z] = struct{ frames, people, most int64 }{}
	}
	s.frames, s.peopleFrames, s.people, s.most, s.bits = 0, 0, 0, 0, 0
}

// flush writes the rows that are ready.
func (f *fleet) flush(t testing.TB, pool *pgxpool.Pool) {
	t.Helper()
	for table, rows := range map[string]*[][]any{"camera_minutes": &f.minutes, "zone_minutes": &f.zones, "tracks": &f.tracks, "visits": &f.visits, "crossings": &f.crossed} {
		if len(*rows) == 0 {
			continue
		}
		columns := columnsOf(t, pool, table)[:len((*rows)[0])] // later ones have defaults
		_, err := pool.CopyFrom(context.Background(), pgx.Identifier{table}, columns, pgx.CopyFromRows(*rows))
		require.NoError(t, err, table)
		*rows = nil
	}
}

func columnsOf(t testing.TB, pool *pgxpool.Pool, table string) []string {
	t.Helper()
	return pgtest.Lines(t, pool, fmt.Sprintf("SELECT attname FROM pg_attribute WHERE attrelid = '%s'::regclass AND attnum > 0 ORDER BY attnum", table))
}

func exec(t testing.TB, pool *pgxpool.Pool, sql string, args ...any) {
	t.Helper()
	_, err := pool.Exec(context.Background(), sql, args...)
	require.NoError(t, err, sql)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// The generated totals are those of the generated rows.
func TestFleet_Totals_ThoseOfTheRows(t *testing.T) {
	t.Parallel()
	pool := (&fleet{cameras: 2, past: 3 * time.Hour, every: 10 * time.Second, people: 20}).open(t)
	pgtest.TotalsAgree(t, pool)
}
