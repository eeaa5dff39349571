package sink

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// bulk is from how many rows on a transaction is tried with COPY: two to three
// times as fast for thousands of rows, and five round trips instead of one.
const bulk = 500

func (r *rows) len() int { return len(r.sightings.seq) + len(r.detections.seq) }

// copyIn writes the transaction whose fence and small statements are in b with
// COPY. COPY knows no ON CONFLICT and does not say which row it minds: where it
// fails, nothing is written, and the statements that queue makes have to judge.
func (c *consumer) copyIn(ctx context.Context, b *pgx.Batch, r *rows, id int64) error {
	return pgx.BeginFunc(ctx, c.cfg.Pool, func(tx pgx.Tx) error {
		if err := sendIn(ctx, tx, b); err != nil { // the fence first
			return err
		}
		s := &r.sightings
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"sightings"}, []string{
			"captured_at", "camera_id", "run_id", "seq", "pts_us", "grabbed_at", "decoded_at", "inferred_at", "produced_at",
			"batch_id", "dropped_before", "width", "height", "people", "objects",
		}, pgx.CopyFromSlice(len(s.seq), func(i int) ([]any, error) {
			return []any{s.captured[i], s.camera[i], s.run[i], s.seq[i], s.pts[i], s.grabbed[i], s.decoded[i], s.inferred[i], s.produced[i],
				id, s.dropped[i], s.width[i], s.height[i], s.people[i], s.objects[i]}, nil
		})); err != nil {
			return err
		}
		d := &r.detections
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"detections"}, []string{
			"captured_at", "camera_id", "run_id", "seq", "object_index", "class_id", "score", "x1", "y1", "x2", "y2", "track_id", "zones",
		}, pgx.CopyFromSlice(len(d.seq), func(i int) ([]any, error) {
			return []any{d.captured[i], d.camera[i], d.run[i], d.seq[i], d.index[i], d.class[i], d.score[i],
				d.box[0][i], d.box[1][i], d.box[2][i], d.box[3][i], d.track[i], d.zones[i]}, nil
		}))
		return err
	})
}
