package detector_test

import (
	"context"
	"errors"
	"image"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/ingest"
)

// The people drawn by the test source are drawn well enough to be found.
func TestModels_TestSource_PeopleFound(t *testing.T) {
	for _, model := range []string{"yolox_nano.onnx", "rtmdet_nano_person.onnx"} {
		d, err := newDetector(session(t, model), detector.Options{Classes: []string{"person"}, Score: 0.4})
		require.NoError(t, err)
		const uri = "test://people?frames=200"
		p, err := ingest.ParsePattern(uri)
		require.NoError(t, err)
		s, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: uri}, ingest.Options{Pace: ingest.Fast})
		require.NoError(t, err)
		drawn, found := 0, 0
		for {
			var f ingest.Frame
			if err := s.Next(context.Background(), &f); errors.Is(err, io.EOF) {
				break
			}
			if f.Seq%10 != 0 {
				continue
			}
			objs, err := d.Detect(&f, nil)
			require.NoError(t, err)
			boxes := p.Boxes(f.Seq)
			for i, b := range boxes {
				hidden := b.Empty() || b.Dx()*3 < b.Dy() // more than a little is out of the picture
				for k, o := range boxes {
					if c := b.Intersect(o); k != i && c.Dx()*4 > b.Dx() {
						hidden = true // or overlaps another
					}
				}
				if hidden {
					continue
				}
				drawn++
				for _, o := range objs {
					box := image.Rect(int(o.Box[0]), int(o.Box[1]), int(o.Box[2]), int(o.Box[3]))
					both := box.Intersect(b)
					if 2*both.Dx()*both.Dy() > box.Dx()*box.Dy() {
						found++
						break
					}
				}
			}
		}
		require.NoError(t, s.Close())
		t.Logf("%s: %d of %d found", model, found, drawn)
		require.GreaterOrEqual(t, found*20, drawn*19)
	}
}
