package query

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/sightlog/sightlog/usage"
)

// heat is the counts of a grid, row by row.
type heat struct {
	grid  int
	cells []float64
	most  float64
}

// maxSide bounds a picture that is drawn without a frame.
const maxSide = 1920

// HeatPicture draws the report heatmap of one camera, over a frame of it or, where that
// is nil, over black. The colours go with the square root of a cell's count, from none by
// blue, green and yellow to red for the fullest cell.
func HeatPicture(ctx context.Context, db *pgxpool.Pool, f Filter, frame image.Image) (image.Image, error) {
	q, err := heatmap.Question(f).prepare(ctx, db)
	if err != nil {
		return nil, err
	}
	size, err := pictureSize(ctx, db, f)
	if err != nil {
		return nil, err
	}
	h := heat{grid: f.grid(), cells: make([]float64, f.grid()*f.grid())}
	err = ask(ctx, db, q, func(rows pgx.Rows) error {
		for rows.Next() {
			var camera string
			var x, y *int
			var n, frames, seconds, dropped int64
			if err := rows.Scan(&camera, &x, &y, &n, &frames, &seconds, &dropped); err != nil {
				return err
			}
			if x != nil && y != nil {
				h.cells[*y*h.grid+*x] = float64(n)
				h.most = max(h.most, float64(n))
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, asked(ctx, err)
	}
	out := image.NewRGBA(image.Rectangle{Max: size})
	draw.Draw(out, out.Bounds(), image.Black, image.Point{}, draw.Src)
	if frame != nil {
		out = image.NewRGBA(image.Rectangle{Max: frame.Bounds().Size()})
		draw.Draw(out, out.Bounds(), frame, frame.Bounds().Min, draw.Src)
	}
	h.draw(out)
	return out, nil
}

// pictureSize returns the size of the newest frame of the filter, at most maxSide, or a
// *usage.Error if that is of several cameras, or none.
func pictureSize(ctx context.Context, db *pgxpool.Pool, f Filter) (size image.Point, err error) {
	q := Question{filter: f, sql: func(s *statement) string {
		return `SELECT c.name, n.width, n.height FROM cameras c CROSS JOIN LATERAL (
    SELECT s.width, s.height FROM sightings s WHERE s.camera_id = c.id AND ` + s.in("captured_at").String() + ` ORDER BY s.captured_at DESC LIMIT 1) n ORDER BY 1`
	}}
	p, err := q.prepare(ctx, db)
	if err != nil {
		return size, err
	}
	var cameras []string
	err = ask(ctx, db, p, func(rows pgx.Rows) error {
		var camera string
		_, err := pgx.ForEachRow(rows, []any{&camera, &size.X, &size.Y}, func() error {
			cameras = append(cameras, camera)
			return nil
		})
		return err
	})
	switch {
	case err != nil:
		return size, asked(ctx, err)
	case len(cameras) == 0:
		return size, usage.New("narrow it less", "no sighting is in the database for this picture")
	case len(cameras) > 1:
		return size, usage.New("give --camera; "+thereIs(cameras), "a picture shows one camera")
	}
	if longest := max(size.X, size.Y); longest > maxSide {
		size = size.Mul(maxSide).Div(longest)
	}
	return image.Pt(max(size.X, 1), max(size.Y, 1)), nil
}

// ramp is the colour of 0 to 1 in equal steps, and how much of it covers the frame.
var ramp = []struct{ r, g, b, cover float64 }{
	{0, 0, 255, 0}, {0, 80, 255, 0.45}, {0, 220, 160, 0.6}, {255, 230, 0, 0.7}, {255, 0, 0, 0.8},
}

// draw lays the counts over the picture.
func (h *heat) draw(out *image.RGBA) {
	if h.most == 0 {
		return
	}
	size := out.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			v := math.Sqrt(h.at((float64(x)+0.5)/float64(size.X), (float64(y)+0.5)/float64(size.Y)) / h.most)
			out.SetRGBA(x, y, blend(out.RGBAAt(x, y), v))
		}
	}
}

// at interpolates the count between the middles of four cells; x and y are 0 to 1.
func (h *heat) at(x, y float64) float64 {
	last := float64(h.grid - 1)
	place := func(v float64) (int, int, float64) {
		v = min(max(v*float64(h.grid)-0.5, 0), last)
		low := math.Floor(v)
		return int(low), int(min(low+1, last)), v - low
	}
	x0, x1, fx := place(x)
	y0, y1, fy := place(y)
	row := func(y int) float64 { return h.cells[y*h.grid+x0]*(1-fx) + h.cells[y*h.grid+x1]*fx }
	return row(y0)*(1-fy) + row(y1)*fy
}

// blend covers a colour with the ramp's at v, 0 to 1.
func blend(c color.RGBA, v float64) color.RGBA {
	v *= float64(len(ramp) - 1)
	i := min(int(v), len(ramp)-2)
	a, b, t := ramp[i], ramp[i+1], v-float64(i)
	mix := func(p, q float64) float64 { return p*(1-t) + q*t }
	cover := mix(a.cover, b.cover)
	over := func(under uint8, colour float64) uint8 { return uint8(float64(under)*(1-cover) + colour*cover + 0.5) }
	return color.RGBA{over(c.R, mix(a.r, b.r)), over(c.G, mix(a.g, b.g)), over(c.B, mix(a.b, b.b)), 255}
}
