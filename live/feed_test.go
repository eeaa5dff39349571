package live_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/live"
)

func picture(camera string, seq int64, width int) *live.Picture {
	return &live.Picture{Camera: camera, Seq: seq, Width: width, JPEG: []byte{byte(seq)}}
}

func wants(fps float64, cameras ...string) live.Wants {
	w := make(live.Wants)
	for _, c := range cameras {
		w[c] = live.Want{Widths: []int{640}, FPS: fps}
	}
	return w
}

func next(t *testing.T, v *live.Viewer) *live.Picture {
	t.Helper()
	p, err := v.Next(t.Context())
	require.NoError(t, err)
	require.NotNil(t, p.Picture)
	return p.Picture
}

func TestViewer_SlowOne_NewestPictureOnly(t *testing.T) {
	t.Parallel()
	var f live.Feed
	slow, quick := f.Watch(wants(live.MaxFPS, "a")), f.Watch(wants(live.MaxFPS, "a"))
	defer slow.Close()
	defer quick.Close()
	for seq := range int64(100) {
		f.Publish(picture("a", seq, 640))
		require.Equal(t, seq, next(t, quick).Seq)
	}
	require.EqualValues(t, 99, next(t, slow).Seq, "a viewer that is slow must not get old pictures")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := slow.Next(ctx)
	require.ErrorIs(t, err, context.Canceled, "it has had the newest")
}

func TestViewer_SeveralCameras_EachHasItsTurn(t *testing.T) {
	t.Parallel()
	var f live.Feed
	v := f.Watch(wants(live.MaxFPS, "a", "b", "c"))
	defer v.Close()
	got := make(map[string]int)
	for seq := range int64(30) {
		for _, c := range []string{"a", "b", "c"} {
			f.Publish(picture(c, seq, 640))
		}
		got[next(t, v).Camera]++
	}
	require.Equal(t, map[string]int{"a": 10, "b": 10, "c": 10}, got)
}

func TestFeed_Wants_UnionOfThoseWhoLook(t *testing.T) {
	t.Parallel()
	var now live.Wants
	changes := 0
	f := live.Feed{Changed: func(w live.Wants) { now, changes = w, changes+1 }}
	require.False(t, f.Watched())
	one := f.Watch(live.Wants{"a": {Widths: []int{320}, FPS: 5}, "b": {Widths: []int{320}, FPS: 5}})
	two := f.Watch(live.Wants{"a": {Widths: []int{1280, 320}, FPS: 2}})
	require.Equal(t, live.Wants{"a": {Widths: []int{320, 1280}, FPS: 5}, "b": {Widths: []int{320}, FPS: 5}}, now)
	three := f.Watch(live.Wants{"a": {Widths: []int{320}, FPS: 1}})
	require.Equal(t, 2, changes, "nothing more is wanted")
	three.Close()
	one.Close()
	require.Equal(t, live.Wants{"a": {Widths: []int{320, 1280}, FPS: 2}}, now)
	two.Close()
	require.Empty(t, now)
	require.False(t, f.Watched())
}

func TestFeed_PictureOfBefore_NotTheFirstOfWhoLooksLater(t *testing.T) {
	t.Parallel()
	var f live.Feed
	v := f.Watch(wants(5, "a"))
	f.Publish(picture("a", 1, 640))
	v.Close()
	f.Publish(picture("a", 2, 640))
	later := f.Watch(wants(5, "a"))
	defer later.Close()
	f.Publish(picture("a", 3, 640))
	require.EqualValues(t, 3, next(t, later).Seq)
}

func TestViewer_Status_OfItsCamerasBeforePictures(t *testing.T) {
	t.Parallel()
	var f live.Feed
	v, all := f.Watch(wants(5, "b", "a")), f.Watch(live.Wants{"*": {}})
	defer v.Close()
	defer all.Close()
	f.Publish(picture("a", 1, 640))
	f.States([]live.Camera{{ID: "c", State: "running"}, {ID: "b", State: "running", People: 2}})
	p, err := v.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, []live.Camera{{ID: "b", State: "running", People: 2}}, p.Status.Cameras)
	require.Equal(t, "a", next(t, v).Camera)
	f.States([]live.Camera{{ID: "b", State: "ended"}})
	p, err = all.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, []live.Camera{{ID: "b", State: "ended"}, {ID: "c", State: "running"}}, p.Status.Cameras)
	f.States([]live.Camera{{ID: "c10"}, {ID: "c2"}})
	p, err = all.Next(t.Context())
	require.NoError(t, err)
	require.Equal(t, "c2", p.Status.Cameras[2].ID)
}

// TestViewer_Rate_HoldsOnAverage has frames at 25 a second and a viewer who wants 5, and frames at 5 that
// come a little early and late.
func TestViewer_Rate_HoldsOnAverage(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		frames, atLeast, atMost int
		interval                time.Duration
		jitter                  time.Duration
	}{
		"more frames than asked": {frames: 250, interval: 40 * time.Millisecond, atLeast: 49, atMost: 52},
		"as many, irregular":     {frames: 50, interval: 200 * time.Millisecond, jitter: 40 * time.Millisecond, atLeast: 50, atMost: 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var f live.Feed
				v := f.Watch(wants(5, "a"))
				defer v.Close()
				ctx, cancel := context.WithCancel(t.Context())
				got := make(chan int)
				go func() {
					n := 0
					for {
						if _, err := v.Next(ctx); err != nil {
							got <- n
							return
						}
						n++
					}
				}()
				for i := range tc.frames {
					wait := tc.interval
					if i%2 == 1 {
						wait += tc.jitter
					} else {
						wait -= tc.jitter
					}
					<-time.After(wait)
					f.Publish(picture("a", int64(i), 640))
					synctest.Wait()
				}
				cancel()
				n := <-got
				require.GreaterOrEqual(t, n, tc.atLeast)
				require.LessOrEqual(t, n, tc.atMost)
			})
		})
	}
}
