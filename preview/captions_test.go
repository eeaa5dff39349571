package preview

import (
	"image"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
)

func TestCaptionTexts_ClassesMixedOrNot_NamedOnlyWhereTheyDiffer(t *testing.T) {
	tracked := event.Object{Label: "person", Score: 0.876, TrackID: new(int64(7))}
	untracked := event.Object{Label: "person", Score: 0.5}
	other := event.Object{Label: "dog", Score: 0.25}
	require.Equal(t, []string{"#7 0.88", "0.50"}, captionTexts([]event.Object{tracked, untracked}))
	require.Equal(t, []string{"#7 person 0.88", "dog 0.25"}, captionTexts([]event.Object{tracked, other}))
	post := event.Object{Label: "person", Score: 0.5, TrackID: new(int64(8)), State: event.StateThing}
	require.Equal(t, []string{"#7 0.88", "#8 thing 0.50"}, captionTexts([]event.Object{tracked, post}))
	require.Empty(t, captionTexts(nil))
}

func TestCaptions_RoomBesideBoxes_CoverNothing(t *testing.T) {
	frame, size := image.Rect(0, 0, 640, 480), image.Pt(60, 14)
	for name, boxes := range map[string][]image.Rectangle{
		"apart":            {image.Rect(100, 100, 140, 200), image.Rect(300, 100, 340, 200)},
		"side by side":     {image.Rect(100, 100, 140, 200), image.Rect(142, 100, 182, 200), image.Rect(184, 100, 224, 200)},
		"one on the other": {image.Rect(100, 100, 140, 200), image.Rect(100, 202, 140, 300)},
		"in the corners":   {image.Rect(0, 0, 40, 100), image.Rect(600, 0, 640, 100), image.Rect(0, 380, 40, 480), image.Rect(600, 380, 640, 480)},
	} {
		t.Run(name, func(t *testing.T) {
			got := captions(frame, boxes, repeat(size, len(boxes)))
			for i, c := range got {
				require.True(t, c.In(frame), c)
				require.Equal(t, size, c.Size())
				for _, b := range boxes {
					require.True(t, c.Intersect(b).Empty(), "caption %v covers box %v", c, b)
				}
				for _, other := range got[:i] {
					require.True(t, c.Intersect(other).Empty(), "captions %v and %v", c, other)
				}
			}
		})
	}
}

func TestCaptions_BoxFillsTheFrame_StaysInside(t *testing.T) {
	frame := image.Rect(0, 0, 640, 480)
	got := captions(frame, []image.Rectangle{frame}, []image.Point{{X: 60, Y: 14}})
	require.True(t, got[0].In(frame))
}

func repeat(p image.Point, n int) (all []image.Point) {
	for range n {
		all = append(all, p)
	}
	return all
}
