package sink_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/pgtest"
)

// script is what one camera sees: a camera of a file has one run, a live one a run every
// liveRun frames. Five frames a second, from before midnight on.
type script struct {
	camera string
	live   bool
	home   int32          // the partition of its run
	fences map[int64]bool // the sides of the tracks at the fence
	next   int            // the frame that comes next
}

const liveRun = 3000

var eve = origin.Truncate(24 * time.Hour).Add(-15 * time.Minute)

func scripts() (all []*script) {
	for i := range 8 {
		all = append(all, &script{camera: fmt.Sprint("cam-", i), live: i >= 6, fences: make(map[int64]bool)})
	}
	return all
}

func (c *script) run(n int) (id string, seq int) {
	if !c.live {
		return c.camera + "-file", n
	}
	return fmt.Sprint(c.camera, "-live-", n/liveRun), n % liveRun
}

// frame is the next sighting, with the crossings in it: somebody who walks through the fence and
// back, somebody who stands at the door for twelve of twenty seconds, and for a fifth of the
// time, and in each seventh frame, nobody.
func (c *script) frame() (*event.Sighting, []event.Crossing) {
	n := c.next
	c.next++
	run, seq := c.run(n)
	if seq == 0 {
		clear(c.fences)
	}
	s := sighting(c.camera, run, seq)
	s.CapturedAt, s.Objects = event.At(eve.Add(time.Duration(n)*200*time.Millisecond)), nil
	if c.live {
		s.SourceKind, s.DroppedBefore = event.SourceStream, int64(n%3)
	}
	if n%7 == 0 || n/500%5 == 4 {
		return s, nil
	}
	at := float32(n % 200)
	if at > 100 {
		at = 200 - at
	}
	walks, stands := int64(2*(seq/600)+1), int64(2*(seq/600)+2)
	s.Objects = []event.Object{{Label: "person", Score: .9, Box: event.Box{at, 20, at + 5.5, 60}, TrackID: &walks}}
	if n%100 < 60 {
		s.Objects = append(s.Objects, event.Object{Index: 1, Label: "person", Score: .5 + float32(n%50)/128,
			Box: event.Box{10, 30.25, 40, 120}, TrackID: &stands})
	}
	crossed := fence{50, c.fences}.Count(s)
	if len(s.Objects) > 1 {
		s.Objects[1].Zones = []string{"door"}
	}
	return s, crossed
}

// runOf is a run's record: without its end, or with so many frames.
func (c *script) runOf(t testing.TB, id string, frames int) *kgo.Record {
	t.Helper()
	r := &event.Run{ID: id, Camera: c.camera, SourceKind: event.SourceFile, Source: "a.mp4", Fingerprint: "f", StartedAt: event.At(eve),
		Model: event.Model{Name: "m", SHA256: "abc", Input: [2]int{416, 320}, Provider: "cpu"}}
	if c.live {
		r.SourceKind, r.Source = event.SourceStream, "rtsp://a"
	}
	if frames > 0 {
		r.FinishedAt, r.Outcome, r.Frames = event.At(eve.Add(time.Hour)), event.OutcomeFinished, int64(frames)
	}
	return runRecord(t, r)
}

// block is the next frames of a camera, as records: a run that begins or has ended between
// them has its own. All have the partition of their run; one that begins has that of home.
func (c *script) block(t testing.TB, frames int, home int32) (recs []*kgo.Record) {
	t.Helper()
	for range frames {
		run, seq := c.run(c.next)
		if seq == 0 {
			if before, last := c.run(max(0, c.next-1)); before != run {
				recs = append(recs, c.runOf(t, before, last+1))
			}
			recs = append(recs, c.runOf(t, run, 0))
			c.home = home
		}
		s, crossed := c.frame()
		all := []*kgo.Record{record(t, s)}
		for i := range crossed {
			all = append(all, crossingRecord(t, &crossed[i]))
		}
		for _, r := range all {
			r.Partition = c.home
		}
		recs = append(recs, all...)
	}
	return recs
}

// end is the record of the last run's end.
func (c *script) end(t testing.TB) *kgo.Record {
	t.Helper()
	run, last := c.run(c.next - 1)
	return c.runOf(t, run, last+1)
}

// retried returns blocks of one camera in the order in which a producer that retries without
// sequence numbers writes them: some after the next one, some twice, some again later.
func retried(rng *rand.Rand, blocks [][]*kgo.Record) (recs []*kgo.Record) {
	for i := 0; i+1 < len(blocks); i += 2 {
		if rng.IntN(8) == 0 {
			blocks[i], blocks[i+1] = blocks[i+1], blocks[i]
		}
	}
	for i, b := range blocks {
		recs = append(recs, b...)
		switch rng.IntN(12) {
		case 0:
			recs = append(recs, b...)
		case 1:
			recs = append(recs, blocks[max(0, i-2)]...)
		}
	}
	return recs
}

// store writes what the scripts have had so far into tables of the schema sent.
func store(t testing.TB, pool *pgxpool.Pool, played []*script) {
	t.Helper()
	_, err := pool.Exec(t.Context(), `CREATE SCHEMA sent
		CREATE TABLE sightings (camera text, run text, seq bigint, captured_at timestamptz, people integer, objects integer, dropped bigint)
		CREATE TABLE detections (camera text, run text, seq bigint, captured_at timestamptz, object_index integer, label text, score real, x1 real,
			y1 real, x2 real, y2 real, track bigint, zones text[])
		CREATE TABLE crossings (camera text, run text, seq bigint, captured_at timestamptz, line text, direction text, track bigint, label text)`)
	require.NoError(t, err)
	var sightings, detections, crossings [][]any
	for _, c := range scripts() {
		for _, was := range played {
			for was.camera == c.camera && c.next < was.next {
				s, crossed := c.frame()
				head := []any{s.Camera, s.Run, s.Seq, s.CapturedAt.Time}
				sightings = append(sightings, append(head[:4:4], len(s.Objects), len(s.Objects), s.DroppedBefore))
				for _, o := range s.Objects {
					detections = append(detections, append(head[:4:4], o.Index, o.Label, o.Score, o.Box[0], o.Box[1], o.Box[2], o.Box[3], *o.TrackID, o.Zones))
				}
				for _, x := range crossed {
					crossings = append(crossings, append(head[:4:4], x.Line, x.Direction, x.TrackID, x.Label))
				}
			}
		}
	}
	for _, table := range []struct {
		name    string
		columns []string
		rows    [][]any
	}{
		{"sightings", []string{"camera", "run", "seq", "captured_at", "people", "objects", "dropped"}, sightings},
		{"detections", []string{"camera", "run", "seq", "captured_at", "object_index", "label", "score", "x1", "y1", "x2", "y2", "track", "zones"}, detections},
		{"crossings", []string{"camera", "run", "seq", "captured_at", "line", "direction", "track", "label"}, crossings},
	} {
		_, err := pool.CopyFrom(t.Context(), pgx.Identifier{"sent", table.name}, table.columns, pgx.CopyFromRows(table.rows))
		require.NoError(t, err)
	}
}

// checksum returns a checksum of each table, whatever its ids are.
func checksum(t testing.TB, pool *pgxpool.Pool) (sums []string) {
	t.Helper()
	for _, sql := range slices.Concat(rowQueries, pgtest.TotalsQueries) {
		sums = append(sums, pgtest.Lines(t, pool, `SELECT md5(coalesce(string_agg(r::text, E'\n' ORDER BY r::text COLLATE "C"), '')), count(*) FROM (`+sql+") r")...)
	}
	return sums
}
