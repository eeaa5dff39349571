package sink

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/sightlog/sightlog/event"
)

// compareEvents finds the entries whose event is in the tables already, or in an
// earlier entry. An event with the same content only advances the offset; one with
// other content is rejected. It returns the number of both.
func (c *consumer) compareEvents(ctx context.Context, items []entry) (sorted []entry, repeated int, err error) {
	items = slices.Clone(items)
	var which []int // the entries with a sighting, as in rows
	for i := range items {
		if items[i].sighting != nil {
			which = append(which, i)
		}
	}
	r, err := c.sink.collect(ctx, items)
	if err != nil {
		return nil, 0, err
	}
	stored, err := readStored(ctx, c.sink.cfg.Pool, r.sightings)
	if err != nil {
		return nil, 0, err
	}
	counted, err := readCounted(ctx, c.sink.cfg.Pool, r.sightings)
	if err != nil {
		return nil, 0, err
	}
	type key struct {
		at          int64
		camera, run int32
		seq         int64
	}
	first := make(map[key]content)
	for row, i := range which {
		s := &r.sightings[row]
		k := key{s.CapturedAt.UnixMicro(), s.camera, s.run, s.Seq}
		now := contentOf(items[i].sighting)
		was, there := stored[row]
		if !there {
			was, there = first[k]
		}
		if !there && !counted[row] {
			first[k] = now
			items[i].compared = true
			continue
		}
		repeated++
		same := !there || reflect.DeepEqual(was, now)
		items[i].empty()
		if !same {
			items[i].rejectCause = errOtherContent
		}
	}
	return items, repeated, nil
}

// content is what two records of one event must have in common. The times of the stages
// do not belong to it.
type content struct {
	pts, width, height int64
	objects            []contentObject
}

type contentObject struct {
	class    int64
	score    float32
	box      [4]float32
	track    int64
	hasTrack bool
	zones    string
	state    string
}

func contentOf(s *event.Sighting) content {
	c := content{pts: s.PTS, width: int64(s.Frame.Width), height: int64(s.Frame.Height), objects: make([]contentObject, len(s.Objects))}
	for i, o := range s.Objects {
		c.objects[i] = contentObject{class: int64(o.ClassID), score: o.Score, box: o.Box, zones: fmt.Sprintf("%q", o.Zones), state: o.State}
		if o.TrackID != nil {
			c.objects[i].track, c.objects[i].hasTrack = *o.TrackID, true
		}
	}
	return c
}

// sightingKeys is a row for each key of sightings, with its ordinal number.
const sightingKeys = `unnest($1::integer[], $2::timestamptz[], $3::integer[], $4::bigint[])
	WITH ORDINALITY AS k(camera_id, captured_at, run_id, seq, n)`

// keysOf returns the columns of sightingKeys.
func keysOf(s []sightingRow) []any {
	keys := make([]any, 4) // the columns of the primary key come first
	for i, c := range sightingTable.columns[:len(keys)] {
		keys[i] = c.all(s)
	}
	return keys
}

// readCounted returns the sightings, by their index in s, that are in the totals and may
// be missing in the table: a row of theirs is not needed to know that they are repeated.
func readCounted(ctx context.Context, db querier, s []sightingRow) (map[int]bool, error) {
	rows, err := db.Query(ctx, `SELECT n FROM `+sightingKeys+`
		JOIN cameras c ON c.id = k.camera_id AND k.captured_at < c.complete_from
		JOIN camera_minutes m ON m.camera_id = k.camera_id AND m.minute = date_trunc('minute', k.captured_at, 'UTC') AND m.run_id = k.run_id
		WHERE k.seq BETWEEN m.first_seq AND m.last_seq`, keysOf(s)...)
	if err != nil {
		return nil, err
	}
	counted := make(map[int]bool)
	var n int
	_, err = pgx.ForEachRow(rows, []any{&n}, func() error { counted[n-1] = true; return nil })
	return counted, err
}

// readStored returns the stored content of sightings, by their index in s.
func readStored(ctx context.Context, db querier, s []sightingRow) (map[int]content, error) {
	keys := keysOf(s)
	stored := make(map[int]content)
	var n int
	var c content
	rows, err := db.Query(ctx, `SELECT n, pts_us, width, height FROM `+sightingKeys+`
		JOIN sightings USING (captured_at, camera_id, run_id, seq)`, keys...)
	if err != nil {
		return nil, err
	}
	if _, err := pgx.ForEachRow(rows, []any{&n, &c.pts, &c.width, &c.height}, func() error {
		c.objects = []contentObject{}
		stored[n-1] = c
		return nil
	}); err != nil {
		return nil, err
	}
	var o contentObject
	var track pgtype.Int8
	var zones []string
	rows, err = db.Query(ctx, `SELECT n, class_id, score, x1, y1, x2, y2, track_id, zones, coalesce(state, '') FROM `+sightingKeys+`
		JOIN detections USING (captured_at, camera_id, run_id, seq) ORDER BY n, object_index`, keys...)
	if err != nil {
		return nil, err
	}
	columns := []any{&n, &o.class, &o.score, &o.box[0], &o.box[1], &o.box[2], &o.box[3], &track, &zones, &o.state}
	_, err = pgx.ForEachRow(rows, columns, func() error {
		o.track, o.hasTrack, o.zones = track.Int64, track.Valid, fmt.Sprintf("%q", zones)
		c := stored[n-1]
		c.objects = append(c.objects, o)
		stored[n-1] = c
		return nil
	})
	return stored, err
}
