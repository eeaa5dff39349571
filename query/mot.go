package query

import (
	"bufio"
	"context"
	"strconv"

	"github.com/jackc/pgx/v5"
)

// mot writes the text format of the MOT Challenge (motchallenge.net), one line
// a detection, by frame:
//
//	frame,id,left,top,width,height,conf,-1,-1,-1
//
// Frames count from 1: the table's seq + 1. The id is the track's number, -1
// where there is none. The box is in pixels, as the table has it, from 0; conf
// is the score.
func (e *Export) mot(ctx context.Context, tx pgx.Tx, w *bufio.Writer) (ExportStats, error) {
	var line []byte
	return e.each(ctx, tx, func(d *detection) error {
		id := int64(-1)
		if d.track != nil {
			id = *d.track
		}
		line = strconv.AppendInt(line[:0], d.seq+1, 10)
		line = strconv.AppendInt(append(line, ','), id, 10)
		for _, v := range [4]float64{float64(d.box[0]), float64(d.box[1]), d.width(), d.height()} {
			line = appendPixels(append(line, ','), v)
		}
		line = strconv.AppendFloat(append(line, ','), float64(d.score), 'g', -1, 32)
		_, err := w.Write(append(line, ",-1,-1,-1\n"...))
		return err
	})
}
