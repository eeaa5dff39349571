package query

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// coco writes a COCO data set (cocodataset.org/#format-data): images, one a
// frame, empty ones too; categories; and annotations, which carry a score as
// results do, and the track as track_id. So it stands alone, COCO's own API
// loads it as it is, and its annotations are what that API's loadRes takes as
// results.
//
// An image's id is the frame's number from 1, its file_name "clip.avi#0", with
// the frame's number from 0 (of a live source: the camera's name before the
// #). A category's id is the model's class number + 1, so that a person is 1.
func (e *Export) coco(ctx context.Context, tx pgx.Tx, w *bufio.Writer) (n ExportStats, err error) {
	fmt.Fprint(w, `{"images":[`)
	if err := e.images(ctx, tx, w); err != nil {
		return n, err
	}
	fmt.Fprint(w, "],\n\"categories\":[")
	if err := e.categories(ctx, tx, w); err != nil {
		return n, err
	}
	fmt.Fprint(w, "],\n\"annotations\":[")
	id := 0
	n, err = e.each(ctx, tx, func(d *detection) error {
		comma(w, id)
		id++
		px := func(v float64) string { return string(appendPixels(nil, v)) }
		fmt.Fprintf(w, `{"id":%d,"image_id":%d,"category_id":%d,"bbox":[%s,%s,%s,%s],"area":%s,"iscrowd":0,"score":%s`,
			id, d.seq+1, d.class+1, px(float64(d.box[0])), px(float64(d.box[1])), px(d.width()), px(d.height()), px(d.width()*d.height()),
			strconv.FormatFloat(float64(d.score), 'g', -1, 32))
		if d.track != nil {
			fmt.Fprintf(w, `,"track_id":%d`, *d.track)
		}
		_, err := w.WriteString("}") // the writer keeps the first error
		return err
	})
	if err != nil {
		return n, err
	}
	_, err = w.WriteString("]}\n")
	return n, err
}

func (e *Export) images(ctx context.Context, tx pgx.Tx, w *bufio.Writer) error {
	var seq, width, height int64
	first := 0
	return e.rows(ctx, tx, "seq, width, height FROM sightings", "", "captured_at, seq", []any{&seq, &width, &height}, func() error {
		name, err := json.Marshal(e.name + "#" + strconv.FormatInt(seq, 10))
		if err != nil {
			return err
		}
		comma(w, first)
		first++
		_, err = fmt.Fprintf(w, `{"id":%d,"file_name":%s,"width":%d,"height":%d}`, seq+1, name, width, height)
		return err
	})
}

func (e *Export) categories(ctx context.Context, tx pgx.Tx, w *bufio.Writer) error {
	rows, err := tx.Query(ctx, "SELECT class_id, label FROM classes WHERE run_id = $1 ORDER BY 1", e.id)
	if err != nil {
		return err
	}
	var class, n int
	var label string
	_, err = pgx.ForEachRow(rows, []any{&class, &label}, func() error {
		name, err := json.Marshal(label)
		if err != nil {
			return err
		}
		comma(w, n)
		n++
		_, err = fmt.Fprintf(w, `{"id":%d,"name":%s}`, class+1, name)
		return err
	})
	return err
}

// comma separates the n-th entry from the one before.
func comma(w *bufio.Writer, n int) {
	if n > 0 {
		_ = w.WriteByte(',')
	}
	_ = w.WriteByte('\n')
}
