package sink

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/natural"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
	"github.com/sightlog/sightlog/usage"
)

// Figures are the totals of a minute of a camera.
type Figures struct{ Frames, PeopleFrames, People, MaxPeople, Detections, Dropped int64 }

// Proof is a minute's figures as the tables have them and as the log's records give
// them, with what identifies these records.
type Proof struct {
	Tables, Log Figures
	Records     []string // of each partition: topic/partition, first and last offset, number
	Models      []string // name and SHA-256 of each model that produced them
	Digest      string   // SHA-256 over the digests of the records, in the log's order
}

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
	log, err := readLog(ctx, adm, []string{kafka.Sightings})
	if err != nil {
		return nil, err
	}
	p := new(Proof)
	var since *time.Time
	ends := make(map[int32]int64)
	snapshot := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, pool, snapshot, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "SELECT partition, next FROM sink_offsets WHERE cluster_id = $1 AND topic_id = $2", log.cluster, uuid(log.ids[kafka.Sightings]))
		if err != nil {
			return err
		}
		var partition int32
		var next int64
		if _, err := pgx.ForEachRow(rows, []any{&partition, &next}, func() error { ends[partition] = next; return nil }); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `SELECT coalesce(sum(m.frames), 0), coalesce(sum(people_frames), 0), coalesce(sum(people), 0), coalesce(max(max_people), 0),
			coalesce(sum(detections), 0), coalesce(sum(m.dropped), 0), min(r.started_at)
		FROM camera_minutes m JOIN cameras c ON c.id = m.camera_id JOIN runs r ON r.id = m.run_id
		WHERE c.name = $1 AND m.minute = $2`, camera, minute).
			Scan(&p.Tables.Frames, &p.Tables.PeopleFrames, &p.Tables.People, &p.Tables.MaxPeople, &p.Tables.Detections, &p.Tables.Dropped, &since)
	})
	if err != nil {
		return nil, fmt.Errorf("read the figures: %w", err)
	}
	w := witness{proof: p, camera: camera, minute: minute, seen: make(map[string]bool), spans: make(map[topicPartition]*recordSpan),
		models: make(map[string]bool), digest: sha256.New()}
	if err := w.read(ctx, cfg, adm, ends, since); err != nil {
		return nil, err
	}
	w.finish()
	return p, nil
}

// witness collects the records of a minute.
type witness struct {
	proof  *Proof
	camera string
	minute time.Time
	seen   map[string]bool // event ids
	spans  map[topicPartition]*recordSpan
	models map[string]bool
	digest hash.Hash
}

type recordSpan struct{ first, last, n int64 }

// read reads the sightings of the log before the ends. A record is produced after its run began, so
// those from before the runs are passed over; since is nil if that is not known.
func (w *witness) read(ctx context.Context, cfg kafka.Config, adm *kadm.Client, ends map[int32]int64, since *time.Time) error {
	starts, err := adm.ListStartOffsets(ctx, kafka.Sightings)
	if err == nil && since != nil {
		starts, err = adm.ListOffsetsAfterMilli(ctx, since.Add(-time.Minute).UnixMilli(), kafka.Sightings)
	}
	if err != nil {
		return fmt.Errorf("list offsets: %w", err)
	}
	left := make(map[int32]int64) // end of each partition that is not read to its end
	from := make(map[int32]kgo.Offset)
	for partition, end := range ends {
		if start, ok := starts.Lookup(kafka.Sightings, partition); ok && start.Offset < end {
			from[partition], left[partition] = kgo.NewOffset().At(start.Offset), end
		}
	}
	if len(left) == 0 {
		return nil
	}
	cl, err := cfg.Client(kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{kafka.Sightings: from}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords())
	if err != nil {
		return err
	}
	defer cl.Close()
	for len(left) > 0 {
		fetches := cl.PollRecords(ctx, 10_000)
		if err := fetches.Err0(); err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		var failed error
		fetches.EachPartition(func(f kgo.FetchTopicPartition) {
			for _, r := range f.Records {
				if failed == nil && r.Offset < ends[f.Partition] {
					failed = w.take(ctx, cfg.Schemas, r)
				}
				if r.Offset+1 >= ends[f.Partition] {
					delete(left, f.Partition)
				}
			}
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// take counts a record that is of the minute.
func (w *witness) take(ctx context.Context, schemas *schema.Codec, r *kgo.Record) error {
	if r.Attrs.IsControl() || r.Key != nil && string(r.Key) != w.camera {
		return nil
	}
	it, err := decode(ctx, schemas, r)
	if err != nil {
		return err
	}
	s := it.sighting
	if s == nil || it.rejectCause != nil || s.Camera != w.camera || w.seen[s.EventID] ||
		!s.CapturedAt.UTC().Truncate(time.Minute).Equal(w.minute) {
		return nil
	}
	w.seen[s.EventID] = true
	people := int64(event.People(s.Objects))
	f := &w.proof.Log
	f.Frames++
	if people > 0 {
		f.PeopleFrames++
	}
	f.People += people
	f.MaxPeople = max(f.MaxPeople, people)
	f.Detections += int64(len(s.Objects))
	f.Dropped += s.DroppedBefore

	tp := topicPartition{r.Topic, r.Partition}
	if w.spans[tp] == nil {
		w.spans[tp] = &recordSpan{first: r.Offset}
	}
	w.spans[tp].last = r.Offset
	w.spans[tp].n++
	w.models[s.Model.Name+" "+s.Model.SHA256] = true
	w.digest.Write(digest(r))
	return nil
}

func (w *witness) finish() {
	byName := func(a, b topicPartition) int { return strings.Compare(a.String(), b.String()) }
	for _, tp := range slices.SortedFunc(maps.Keys(w.spans), byName) {
		s := w.spans[tp]
		w.proof.Records = append(w.proof.Records, fmt.Sprintf("%s %d to %d, %d records", tp, s.first, s.last, s.n))
	}
	w.proof.Models = slices.Sorted(maps.Keys(w.models))
	w.proof.Digest = hex.EncodeToString(w.digest.Sum(nil))
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

// Figure is one figure of a Proof.
type Figure struct {
	Name        string
	Tables, Log int64
}

// Figures lists the figures.
func (p *Proof) Figures() []Figure {
	t, l := p.Tables, p.Log
	return []Figure{
		{"frames", t.Frames, l.Frames}, {"people_frames", t.PeopleFrames, l.PeopleFrames}, {"people", t.People, l.People},
		{"max_people", t.MaxPeople, l.MaxPeople}, {"detections", t.Detections, l.Detections}, {"dropped", t.Dropped, l.Dropped},
	}
}
