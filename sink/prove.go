package sink

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/usage"
)

// proved are the topics that give figures.
var proved = []string{kafka.Sightings, kafka.Crossings}

// Prove computes the figures of a camera's minute again from the log. The records of an
// event that is in the log twice count once, as in the tables. The log is read up to the
// offsets that the tables hold, so a minute that is not over can be proved too.
func Prove(ctx context.Context, cfg kafka.Config, pool *pgxpool.Pool, camera string, minute time.Time) (*Proof, error) {
	if err := checkCamera(ctx, pool, camera); err != nil {
		return nil, err
	}
	base, err := cfg.Client()
	if err != nil {
		return nil, err
	}
	defer base.Close()
	adm := kadm.NewClient(base)
	log, err := readLog(ctx, adm, proved)
	if err != nil {
		return nil, err
	}
	p := &Proof{Tables: make(Figures), Log: make(Figures)}
	var since *time.Time
	var ends Bound
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, pool, snapshot, func(tx pgx.Tx) (err error) {
		if ends, err = boundIn(ctx, log, tx); err != nil {
			return err
		}
		since, err = p.Tables.read(ctx, tx, camera, minute)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the figures: %w", err)
	}
	w := witness{proof: p, camera: camera, minute: minute, seen: make(map[string]bool), spans: make(map[topicPartition]*recordSpan),
		models: make(map[string]bool)}
	if err := w.read(ctx, cfg, adm, ends, since); err != nil {
		return nil, err
	}
	w.finish()
	return p, nil
}

// read reads the figures that the tables have, and a time before which no record of the minute was
// produced: of a live source the minute itself, of another the beginning of its run; nil: not known.
func (f Figures) read(ctx context.Context, tx pgx.Tx, camera string, minute time.Time) (since *time.Time, err error) {
	rows, err := tx.Query(ctx, `SELECT m.frames, people_frames, people, max_people, detections, m.dropped, seconds, r.started_at, r.source_kind
		FROM camera_minutes m JOIN cameras c ON c.id = m.camera_id JOIN runs r ON r.id = m.run_id
		WHERE c.name = $1 AND m.minute = $2`, camera, minute)
	if err != nil {
		return nil, err
	}
	var frames, peopleFrames, people, most, detections, dropped, seconds int64
	var all uint64
	var began *time.Time
	var kind event.SourceKind
	unknown := false
	_, err = pgx.ForEachRow(rows, []any{&frames, &peopleFrames, &people, &most, &detections, &dropped, &seconds, &began, &kind}, func() error {
		f["frames"] += frames
		f["people_frames"] += peopleFrames
		f["people"] += people
		f["max_people"] = max(f["max_people"], most)
		f["detections"] += detections
		f["dropped"] += dropped
		all |= uint64(seconds)
		if began == nil {
			unknown = true
			return nil
		}
		if kind.Live() && began.Before(minute) {
			began = &minute
		}
		if since == nil || began.Before(*since) {
			since = began
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if unknown {
		since = nil
	}
	f["seconds"] = int64(bits.OnesCount64(all))
	rows, err = tx.Query(ctx, `SELECT 'zone ' || zone || ' ' || f, n FROM (
			SELECT zone, sum(people_frames)::bigint AS a, sum(people)::bigint AS b, max(max_people)::bigint AS c
			FROM zone_minutes z JOIN cameras c ON c.id = z.camera_id WHERE c.name = $1 AND z.minute = $2 GROUP BY zone
		) z, LATERAL (VALUES ('people_frames', a), ('people', b), ('max_people', c)) v (f, n)
		UNION ALL
		SELECT 'line ' || line || ' ' || direction, sum(crossings)::bigint
		FROM crossing_minutes x JOIN cameras c ON c.id = x.camera_id WHERE c.name = $1 AND x.minute = $2
		GROUP BY line, direction`, camera, minute)
	if err != nil {
		return nil, err
	}
	var name string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error { f[name] = n; return nil })
	return since, err
}

func checkCamera(ctx context.Context, pool *pgxpool.Pool, camera string) error {
	rows, err := pool.Query(ctx, "SELECT name FROM cameras")
	if err != nil {
		return fmt.Errorf("read the cameras: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("read the cameras: %w", err)
	}
	natural.Sort(names)
	if !slices.Contains(names, camera) {
		return usage.New("there is "+strings.Join(names, ", "), "--camera %q is not in the database", camera)
	}
	return nil
}
