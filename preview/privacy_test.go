package preview_test

import (
	"image"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/preview"
)

// frame is the size of the pictures of these tests.
var frame = event.Size{Width: 320, Height: 240}

// person is a detection at a place.
func person(score float32, x1, y1, x2, y2 float32) event.Object {
	return event.Object{Label: "person", Score: score, Box: event.Box{x1, y1, x2, y2}}
}

// hidden returns where the veil changes a noisy picture of the frame, at a scale.
func hidden(t *testing.T, v *preview.Veil, scale float64) gocv.Mat {
	t.Helper()
	f := frametest.Noise(t, int(float64(frame.Width)*scale), int(float64(frame.Height)*scale))
	before := f.Image.Clone()
	t.Cleanup(func() { require.NoError(t, before.Close()) })
	require.NoError(t, v.Blur(&f.Image))
	diff := gocv.NewMat()
	t.Cleanup(func() { require.NoError(t, diff.Close()) })
	require.NoError(t, gocv.AbsDiff(f.Image, before, &diff))
	return diff
}

// changed returns the share of a rectangle's pixels that are not black in a difference.
func changed(t *testing.T, diff gocv.Mat, r image.Rectangle) float64 {
	t.Helper()
	r = r.Intersect(image.Rect(0, 0, diff.Cols(), diff.Rows()))
	n := 0
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if v := diff.GetVecbAt(y, x); v[0]|v[1]|v[2] != 0 {
				n++
			}
		}
	}
	return float64(n) / float64(r.Dx()*r.Dy())
}

func TestVeil_PersonInNoise_FewColoursAreLeftAtAnySize(t *testing.T) {
	t.Parallel()
	g := preview.NewGuard(preview.PrivacyPeople, .4, nil)
	v := g.Veil([]event.Object{person(.9, 100, 60, 140, 180)}, frame, 0)
	for _, scale := range []float64{1, 0.5, 0.31} {
		f := frametest.Noise(t, int(320*scale), int(240*scale))
		require.NoError(t, v.Blur(&f.Image))
		colours := map[[3]uint8]bool{}
		for y := int(math.Ceil(60 * scale)); y < int(180*scale); y++ {
			for x := int(math.Ceil(100 * scale)); x < int(140*scale); x++ {
				colours[[3]uint8(f.Image.GetVecbAt(y, x))] = true
			}
		}
		require.LessOrEqual(t, len(colours), 24, "colours at scale %g", scale)
		diff := hidden(t, v, scale)
		require.Zero(t, changed(t, diff, image.Rect(0, 0, int(90*scale), int(240*scale))), "left of the person")
		require.Zero(t, changed(t, diff, image.Rect(int(156*scale), 0, int(320*scale), int(240*scale))), "right of the person")
	}
}

func TestVeil_PartOfTheFrame_HidesThePersonThere(t *testing.T) {
	t.Parallel()
	v := preview.NewGuard(preview.PrivacyPeople, .4, nil).Veil([]event.Object{person(.9, 100, 60, 140, 180)}, frame, 0)
	f := frametest.Noise(t, 40, 80)
	before := f.Image.Clone()
	defer before.Close()
	// The part shows x 110 to 190 and y 40 to 200 at half the size: the person ends at x 15.
	require.NoError(t, v.BlurPart(&f.Image, image.Rect(110, 40, 190, 200)))
	diff := gocv.NewMat()
	defer diff.Close()
	require.NoError(t, gocv.AbsDiff(f.Image, before, &diff))
	require.Greater(t, changed(t, diff, image.Rect(0, 10, 15, 70)), .95)
	require.Zero(t, changed(t, diff, image.Rect(22, 0, 40, 80)))
}

func TestVeil_NoFrameOrNoPicture_IsAnError(t *testing.T) {
	t.Parallel()
	v := preview.NewGuard(preview.PrivacyPeople, .4, nil).Veil(nil, event.Size{}, 0)
	f := frametest.Noise(t, 40, 80)
	require.Error(t, v.Blur(&f.Image))
	empty := gocv.NewMat()
	defer empty.Close()
	v = preview.NewGuard(preview.PrivacyPeople, .4, nil).Veil(nil, frame, 0)
	require.Error(t, v.Blur(&empty))
}

func TestGuard_Modes_HideTheirPartOfAPerson(t *testing.T) {
	t.Parallel()
	head, legs := image.Rect(100, 60, 140, 100), image.Rect(100, 120, 140, 180)
	for name, c := range map[string]struct {
		mode  preview.Privacy
		score float32
		head  bool
		legs  bool
	}{
		"off":           {preview.PrivacyOff, .9, false, false},
		"faces":         {preview.PrivacyFaces, .9, true, false},
		"people":        {preview.PrivacyPeople, .9, true, true},
		"faces, unsure": {preview.PrivacyFaces, .2, true, true},
		"unknown":       {"none", .9, true, true},
	} {
		v := preview.NewGuard(c.mode, .4, nil).Veil([]event.Object{person(c.score, 100, 60, 140, 180)}, frame, 0)
		diff := hidden(t, v, 1)
		require.Equal(t, c.head, changed(t, diff, head) > .95, "%s: the head", name)
		require.Equal(t, c.legs, changed(t, diff, legs) > .95, "%s: the legs", name)
	}
}

func TestGuard_WideBox_IsHiddenWholeForFaces(t *testing.T) {
	t.Parallel()
	v := preview.NewGuard(preview.PrivacyFaces, .4, nil).Veil([]event.Object{person(.9, 100, 60, 200, 120)}, frame, 0)
	require.Greater(t, changed(t, hidden(t, v, 1), image.Rect(100, 60, 200, 120)), .95)
}

func TestGuard_PersonNotDetectedForAMoment_StaysHidden(t *testing.T) {
	t.Parallel()
	at := image.Rect(100, 60, 140, 180)
	g := preview.NewGuard(preview.PrivacyPeople, .4, nil)
	g.Veil([]event.Object{person(.9, 100, 60, 140, 180)}, frame, 0)
	require.Greater(t, changed(t, hidden(t, g.Veil(nil, frame, 900*time.Millisecond), 1), at), .95, "missed for a moment")
	require.Zero(t, changed(t, hidden(t, g.Veil(nil, frame, 1100*time.Millisecond), 1), at), "gone")

	g = preview.NewGuard(preview.PrivacyPeople, .4, nil)
	g.Veil([]event.Object{person(.9, 100, 60, 140, 180)}, frame, 0)
	moved := g.Veil([]event.Object{person(.9, 116, 60, 156, 180)}, frame, 100*time.Millisecond)
	require.Zero(t, changed(t, hidden(t, moved, 1), image.Rect(90, 60, 105, 180)), "nothing trails behind somebody who is seen")
}

func TestGuard_OutsideOfTheRegion_IsHidden(t *testing.T) {
	t.Parallel()
	v := preview.NewGuard(preview.PrivacyFaces, .4, []float64{.25, .25, .75, .75}).Veil(nil, frame, 0)
	diff := hidden(t, v, 1)
	require.Greater(t, changed(t, diff, image.Rect(0, 0, 78, 240)), .95)
	require.Greater(t, changed(t, diff, image.Rect(0, 182, 320, 240)), .95)
	require.Zero(t, changed(t, diff, image.Rect(84, 64, 236, 176)))
}
