package sink

import (
	"cmp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sightlog/sightlog/event"
)

// totals are what the sightings of one transaction add to the tables of totals. The
// statements update these in that transaction, so the totals are those of the rows,
// however often a transaction is tried. sightlog_rebuild computes the same from the
// rows.
type totals struct {
	minutes     index[cameraMinute, minuteRow]
	halfHours   index[cameraHalfHour, halfHourRow]
	zoneMinutes index[zoneMinute, zoneMinuteRow]
	tracks      index[track, trackRow]
	visits      index[trackZone, []visitRow]
	latest      index[int32, *sightingRow]
	ahead       time.Time // a later sighting is the latest only if none is earlier
}

// maxAhead is the interval of sightlog_ahead.
const maxAhead = 10 * time.Minute

// index has a value for each key.
type index[K comparable, V any] map[K]*V

// at returns the value of k, which is zero at first.
func (x index[K, V]) at(k K) *V {
	v, ok := x[k]
	if !ok {
		v = new(V)
		x[k] = v
	}
	return v
}

type cameraMinute struct {
	camera int32
	minute time.Time
	run    int32
}

type minuteRow struct {
	cameraMinute
	frames, peopleFrames, people, maxPeople, detections, dropped int64
	seconds                                                      int64 // bit n: a frame in second n
	firstSeq, lastSeq                                            int64
}

type zoneMinute struct {
	camera int32
	zone   string
	minute time.Time
	run    int32
}

type zoneMinuteRow struct {
	zoneMinute
	peopleFrames, people, maxPeople int64
}

type track struct {
	run int32
	id  int64
}

type trackRow struct {
	track
	camera      int32
	class       int64
	first, last event.Time
	frames      int64
	score       float32
	path        []float32
	thing       bool // in its last detection
}

type trackZone struct {
	track
	zone string
}

type visitRow struct {
	trackZone
	camera        int32
	entered, left event.Time
	frames        int64
}

// totalsOf adds up sightings. The order in which they come does not matter.
func totalsOf(sightings []sightingRow) *totals {
	t := &totals{
		minutes: make(index[cameraMinute, minuteRow]), halfHours: make(index[cameraHalfHour, halfHourRow]),
		zoneMinutes: make(index[zoneMinute, zoneMinuteRow]),
		tracks:      make(index[track, trackRow]), visits: make(index[trackZone, []visitRow]), latest: make(index[int32, *sightingRow]),
		ahead: time.Now().Add(maxAhead),
	}
	inOrder := make([]*sightingRow, len(sightings))
	for i := range sightings {
		inOrder[i] = &sightings[i]
	}
	slices.SortStableFunc(inOrder, compareSightings)
	for _, s := range inOrder {
		t.add(s)
	}
	return t
}

func compareSightings(a, b *sightingRow) int {
	return cmp.Or(a.CapturedAt.Compare(b.CapturedAt.Time), cmp.Compare(a.run, b.run), cmp.Compare(a.Seq, b.Seq))
}

func (t *totals) add(s *sightingRow) {
	minute := s.CapturedAt.UTC().Truncate(time.Minute)
	k := cameraMinute{s.camera, minute, s.run}
	m := t.minutes.at(k)
	m.cameraMinute = k
	if m.frames == 0 {
		m.firstSeq, m.lastSeq = s.Seq, s.Seq
	}
	m.firstSeq, m.lastSeq = min(m.firstSeq, s.Seq), max(m.lastSeq, s.Seq)
	m.frames++
	if s.people > 0 {
		m.peopleFrames++
	}
	m.people += int64(s.people)
	m.maxPeople = max(m.maxPeople, int64(s.people))
	m.detections += int64(len(s.Objects))
	m.dropped += s.DroppedBefore
	m.seconds |= 1 << s.CapturedAt.UTC().Second()
	t.halfHours.at(halfHourOf(s)).add(s)

	if latest := t.latest.at(s.camera); *latest == nil || !s.CapturedAt.After(t.ahead) || (*latest).CapturedAt.After(t.ahead) {
		*latest = s
	}
	inZone := make(map[string]int64)
	for i := range s.Objects {
		o := &s.Objects[i]
		if o.TrackID != nil {
			t.addTrack(s, o)
		}
		if o.IsPerson() {
			for _, zone := range o.Zones {
				inZone[zone]++
			}
		}
	}
	for zone, n := range inZone {
		k := zoneMinute{s.camera, zone, minute, s.run}
		z := t.zoneMinutes.at(k)
		z.zoneMinute = k
		z.peopleFrames++
		z.people += n
		z.maxPeople = max(z.maxPeople, n)
	}
}

func (t *totals) addTrack(s *sightingRow, o *event.Object) {
	k := track{s.run, *o.TrackID}
	r := t.tracks.at(k)
	if r.frames == 0 {
		r.track, r.camera, r.first = k, s.camera, s.CapturedAt
	}
	if r.frames == 0 || !s.CapturedAt.Truncate(time.Second).Equal(r.last.Truncate(time.Second)) {
		r.path = append(r.path, (o.Box[0]+o.Box[2])/2, o.Box[3])
	}
	if r.frames == 0 || o.Score > r.score {
		r.class, r.score = int64(o.ClassID), o.Score
	}
	r.last, r.thing = s.CapturedAt, o.State == event.StateThing
	r.frames++
	for _, zone := range o.Zones {
		visits := t.visits.at(trackZone{k, zone})
		n := len(*visits)
		if n == 0 || s.CapturedAt.Sub((*visits)[n-1].left.Time) > event.VisitGap {
			*visits = append(*visits, visitRow{trackZone: trackZone{k, zone}, camera: s.camera, entered: s.CapturedAt})
			n++
		}
		v := &(*visits)[n-1]
		v.left = s.CapturedAt
		v.frames++
	}
}

// The tables of totals. A row that is there is added to. The latest sighting is the newest of those that
// are not ahead of the clock, if there is one: a frame of 2100 would be the latest for ever.
var (
	minuteTable = newMinuteTable(`CASE WHEN camera_minutes.last_seq < excluded.first_seq
        THEN camera_minutes.frames + excluded.frames ELSE sightlog_repeated() END`)
	comparedMinuteTable = newMinuteTable("camera_minutes.frames + excluded.frames")
	zoneMinuteTable     = newTable("zone_minutes", `ON CONFLICT (camera_id, zone, minute, run_id) DO UPDATE SET
    people_frames = zone_minutes.people_frames + excluded.people_frames, people = zone_minutes.people + excluded.people,
    max_people = greatest(zone_minutes.max_people, excluded.max_people)`,
		col("camera_id", "integer[]", func(z *zoneMinuteRow) int32 { return z.camera }),
		col("zone", "text[]", func(z *zoneMinuteRow) string { return z.zone }),
		col("minute", "timestamptz[]", func(z *zoneMinuteRow) time.Time { return z.minute }),
		col("run_id", "integer[]", func(z *zoneMinuteRow) int32 { return z.run }),
		col("people_frames", "bigint[]", func(z *zoneMinuteRow) int64 { return z.peopleFrames }),
		col("people", "bigint[]", func(z *zoneMinuteRow) int64 { return z.people }),
		col("max_people", "bigint[]", func(z *zoneMinuteRow) int64 { return z.maxPeople }),
	)
	trackTable         = newTrackTable("tracks.path[:sightlog_repeated()]")
	comparedTrackTable = newTrackTable(latePath)
	latestTable        = newTable("latest_sightings", `ON CONFLICT (camera_id) DO UPDATE SET
    captured_at = excluded.captured_at, run_id = excluded.run_id, seq = excluded.seq, people = excluded.people, objects = excluded.objects
WHERE (NOT sightlog_ahead(excluded.captured_at), excluded.captured_at, excluded.run_id, excluded.seq)
    > (NOT sightlog_ahead(latest_sightings.captured_at), latest_sightings.captured_at, latest_sightings.run_id, latest_sightings.seq)`,
		col("camera_id", "integer[]", func(s *sightingRow) int32 { return s.camera }),
		col("captured_at", "timestamptz[]", func(s *sightingRow) pgtype.Timestamptz { return timestamp(s.CapturedAt) }),
		col("run_id", "integer[]", func(s *sightingRow) int32 { return s.run }),
		col("seq", "bigint[]", func(s *sightingRow) int64 { return s.Seq }),
		col("people", "integer[]", func(s *sightingRow) int32 { return s.people }),
		col("objects", "integer[]", func(s *sightingRow) int32 { return int32(len(s.Objects)) }),
	)
)

// newMinuteTable returns the table of minutes, with the expression of the frames in a
// row that is there. Frames of a run come in order, so those up to last_seq were counted
// before: retention may have deleted their sightings, and Config.Store may leave them
// out, but no log that is read again adds to the totals. Only sightings that were
// compared with the tables are added whatever their order.
func newMinuteTable(frames string) *table[minuteRow] {
	return newTable("camera_minutes", `ON CONFLICT (camera_id, minute, run_id) DO UPDATE SET
    frames = `+frames+`, people_frames = camera_minutes.people_frames + excluded.people_frames,
    people = camera_minutes.people + excluded.people, max_people = greatest(camera_minutes.max_people, excluded.max_people),
    detections = camera_minutes.detections + excluded.detections, dropped = camera_minutes.dropped + excluded.dropped,
    seconds = camera_minutes.seconds | excluded.seconds,
    first_seq = least(camera_minutes.first_seq, excluded.first_seq), last_seq = greatest(camera_minutes.last_seq, excluded.last_seq)`,
		col("camera_id", "integer[]", func(m *minuteRow) int32 { return m.camera }),
		col("minute", "timestamptz[]", func(m *minuteRow) time.Time { return m.minute }),
		col("run_id", "integer[]", func(m *minuteRow) int32 { return m.run }),
		col("frames", "bigint[]", func(m *minuteRow) int64 { return m.frames }),
		col("people_frames", "bigint[]", func(m *minuteRow) int64 { return m.peopleFrames }),
		col("people", "bigint[]", func(m *minuteRow) int64 { return m.people }),
		col("max_people", "bigint[]", func(m *minuteRow) int64 { return m.maxPeople }),
		col("detections", "bigint[]", func(m *minuteRow) int64 { return m.detections }),
		col("dropped", "bigint[]", func(m *minuteRow) int64 { return m.dropped }),
		col("seconds", "bigint[]", func(m *minuteRow) int64 { return m.seconds }),
		col("first_seq", "bigint[]", func(m *minuteRow) int64 { return m.firstSeq }),
		col("last_seq", "bigint[]", func(m *minuteRow) int64 { return m.lastSeq }),
	)
}

// newTrackTable returns the table of tracks, with the path of a track that has detections from
// before its last one. Otherwise the path goes on where the track does. Its last point is that of
// the second of last_at: a second that two transactions share has its point already.
func newTrackTable(late string) *table[trackRow] {
	return newTable("tracks", `ON CONFLICT (run_id, track_id) DO UPDATE SET
    first_at = least(tracks.first_at, excluded.first_at), last_at = greatest(tracks.last_at, excluded.last_at),
    frames = tracks.frames + excluded.frames, score = greatest(tracks.score, excluded.score),
    class_id = CASE WHEN excluded.score > tracks.score THEN excluded.class_id ELSE tracks.class_id END,
    thing = CASE WHEN excluded.last_at >= tracks.last_at THEN excluded.thing ELSE tracks.thing END,
    path = CASE WHEN excluded.first_at < tracks.last_at THEN `+late+`
                WHEN cardinality(tracks.path) >= 1200 THEN tracks.path
                WHEN date_trunc('second', excluded.first_at) = date_trunc('second', tracks.last_at)
                THEN (tracks.path || excluded.path[3:])[:1200]
                ELSE (tracks.path || excluded.path)[:1200] END`,
		col("run_id", "integer[]", func(t *trackRow) int32 { return t.run }),
		col("track_id", "bigint[]", func(t *trackRow) int64 { return t.id }),
		col("camera_id", "integer[]", func(t *trackRow) int32 { return t.camera }),
		col("class_id", "bigint[]", func(t *trackRow) int64 { return t.class }),
		col("first_at", "timestamptz[]", func(t *trackRow) pgtype.Timestamptz { return timestamp(t.first) }),
		col("last_at", "timestamptz[]", func(t *trackRow) pgtype.Timestamptz { return timestamp(t.last) }),
		col("frames", "bigint[]", func(t *trackRow) int64 { return t.frames }),
		col("score", "real[]", func(t *trackRow) float32 { return t.score }),
		arrayCol("path", "real[]", func(t *trackRow, _ []float32) []float32 { return t.path[:min(len(t.path), 1200)] }),
		col("thing", "boolean[]", func(t *trackRow) bool { return t.thing }),
	)
}

// insertVisits extends the visit that a row continues, or inserts it. The rows are after the
// visits that are there (mergeVisits takes others).
const insertVisits = `
INSERT INTO visits (run_id, track_id, zone, entered_at, left_at, camera_id, frames)
SELECT run_id, track_id, zone, entered_at, max(left_at), min(camera_id), sum(frames)
FROM (SELECT u.run_id, u.track_id, u.zone, u.left_at, u.camera_id, u.frames,
             coalesce((SELECT max(v.entered_at) FROM visits v
                       WHERE v.run_id = u.run_id AND v.track_id = u.track_id AND v.zone = u.zone
                         AND v.entered_at <= u.left_at AND v.left_at >= u.entered_at - interval '10 s'), u.entered_at) AS entered_at
      FROM unnest($1::integer[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::integer[], $7::bigint[])
           AS u(run_id, track_id, zone, entered_at, left_at, camera_id, frames)) w
GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
ON CONFLICT (run_id, track_id, zone, entered_at) DO UPDATE SET
    left_at = greatest(visits.left_at, excluded.left_at), frames = visits.frames + excluded.frames`

// queue adds the statements, at most one a table. Rows are in the order of their keys,
// so that transactions lock them in one order. compared tells that the sightings were
// compared with the tables; visits is the statement that writes visits.
func (t *totals) queue(b *pgx.Batch, compared bool, visits string) {
	minutes := minuteTable
	if compared {
		minutes = comparedMinuteTable
	}
	minutes.queue(b, sorted(t.minutes, func(a, b *minuteRow) int {
		return cmp.Or(cmp.Compare(a.camera, b.camera), a.minute.Compare(b.minute), cmp.Compare(a.run, b.run))
	}))
	// After the minutes, which refuse frames that were counted before.
	halfHourTable.queue(b, sorted(t.halfHours, func(a, b *halfHourRow) int {
		return cmp.Or(cmp.Compare(a.camera, b.camera), a.halfHour.Compare(b.halfHour), cmp.Compare(a.run, b.run))
	}))
	if compared {
		t.queueTracks(b, comparedTrackTable)
	} else {
		t.queueTracks(b, trackTable)
	}
	t.queueZones(b, visits)
	var latest []sightingRow
	for _, s := range t.latest {
		latest = append(latest, **s)
	}
	slices.SortFunc(latest, func(a, b sightingRow) int { return cmp.Compare(a.camera, b.camera) })
	latestTable.queue(b, latest)
}

// queueTracks adds the statement of the tracks.
func (t *totals) queueTracks(b *pgx.Batch, tracks *table[trackRow]) {
	tracks.queue(b, sorted(t.tracks, func(a, b *trackRow) int {
		return cmp.Or(cmp.Compare(a.run, b.run), cmp.Compare(a.id, b.id))
	}))
}

// queuePaths adds the statement that computes paths. Their sightings are written before.
func (t *totals) queuePaths(b *pgx.Batch) {
	var tracks []track
	for k := range t.tracks {
		tracks = append(tracks, k)
	}
	if len(tracks) > 0 {
		b.Queue(computePaths, collect(tracks, func(k *track) int32 { return k.run }), collect(tracks, func(k *track) int64 { return k.id }))
	}
}

// queueZones adds the statements of the zones.
func (t *totals) queueZones(b *pgx.Batch, insertVisits string) {
	zoneMinuteTable.queue(b, sorted(t.zoneMinutes, func(a, b *zoneMinuteRow) int {
		return cmp.Or(cmp.Compare(a.camera, b.camera), cmp.Compare(a.zone, b.zone), a.minute.Compare(b.minute), cmp.Compare(a.run, b.run))
	}))
	var visits []visitRow
	for _, v := range t.visits {
		visits = append(visits, *v...)
	}
	if len(visits) > 0 {
		b.Queue(insertVisits, collect(visits, func(v *visitRow) int32 { return v.run }), collect(visits, func(v *visitRow) int64 { return v.id }),
			collect(visits, func(v *visitRow) string { return v.zone }),
			collect(visits, func(v *visitRow) pgtype.Timestamptz { return timestamp(v.entered) }),
			collect(visits, func(v *visitRow) pgtype.Timestamptz { return timestamp(v.left) }),
			collect(visits, func(v *visitRow) int32 { return v.camera }), collect(visits, func(v *visitRow) int64 { return v.frames }))
	}
}

// sorted returns the values in an order.
func sorted[K comparable, V any](x index[K, V], compare func(a, b *V) int) []V {
	all := make([]V, 0, len(x))
	for _, v := range x {
		all = append(all, *v)
	}
	slices.SortFunc(all, func(a, b V) int { return compare(&a, &b) })
	return all
}
