package detect

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/live"
	"github.com/sightlog/sightlog/preview"
)

// grey returns a frame of one grey, of a size.
func grey(t testing.TB, width, height int, level float64) *ingest.Frame {
	t.Helper()
	m := gocv.NewMatWithSizeFromScalar(gocv.NewScalar(level, level, level, 0), height, width, gocv.MatTypeCV8UC3)
	t.Cleanup(func() { m.Close() })
	return &ingest.Frame{Image: m}
}

func runHub(t testing.TB, cameras ...string) *hub {
	t.Helper()
	h := newHub(cameras, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return h
}

func sightingOf(camera string, seq int64, f *ingest.Frame) *event.Sighting {
	return &event.Sighting{
		Camera: camera, Run: "r", Seq: seq, SourceKind: event.SourceFile, Frame: event.Size{Width: f.Image.Cols(), Height: f.Image.Rows()},
		Objects: []event.Object{{Label: "person", Box: event.Box{1, 2, 3, 4}}},
	}
}

func decode(t *testing.T, p *live.Picture) image.Image {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(p.JPEG))
	require.NoError(t, err)
	return m
}

func TestHub_SeveralWidths_EachOfTheSameFrame(t *testing.T) {
	t.Parallel()
	h := runHub(t, "a")
	v := h.feed.Watch(live.Wants{"a": {Widths: []int{320, 1280}, FPS: live.MaxFPS}})
	defer v.Close()
	for seq := range int64(3) {
		f := grey(t, 800, 600, float64(50*seq))
		h.cameras["a"].show(f, nil, sightingOf("a", seq, f))
		for _, size := range []image.Point{{X: 320, Y: 240}, {X: 800, Y: 600}} {
			p, err := v.Next(t.Context())
			require.NoError(t, err)
			require.Equal(t, seq, p.Picture.Seq)
			require.Equal(t, event.Size{Width: 800, Height: 600}, p.Picture.Frame)
			require.Equal(t, event.Box{1, 2, 3, 4}, p.Picture.Objects[0].Box)
			m := decode(t, p.Picture)
			require.Equal(t, size, m.Bounds().Size())
			require.InDelta(t, 50*seq, color.GrayModel.Convert(m.At(5, 5)).(color.Gray).Y, 2)
		}
	}
}

func TestHub_EncoderBusy_NewestFrameOnly(t *testing.T) {
	t.Parallel()
	h := newHub([]string{"a"}, slog.New(slog.DiscardHandler)) // does not run yet
	v := h.feed.Watch(live.Wants{"a": {Widths: []int{320}, FPS: live.MaxFPS}})
	for seq := range int64(5) {
		f := grey(t, 64, 64, float64(50*seq))
		h.cameras["a"].show(f, nil, sightingOf("a", seq, f))
	}
	scaled := gocv.NewMat()
	defer scaled.Close()
	h.encode(h.cameras["a"], &scaled)
	p, err := v.Next(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 4, p.Picture.Seq)
	require.InDelta(t, 200, color.GrayModel.Convert(decode(t, p.Picture).At(5, 5)).(color.Gray).Y, 2)
	v.Close()
	require.Nil(t, h.cameras["a"].pending)
	require.Nil(t, h.cameras["a"].spare, "nothing is kept when nobody looks")
}

func TestHub_PeopleHidden_InEachWidth(t *testing.T) {
	t.Parallel()
	h := runHub(t, "a")
	v := h.feed.Watch(live.Wants{"a": {Widths: []int{320, 640}, FPS: live.MaxFPS}})
	defer v.Close()
	f := grey(t, 640, 480, 0)
	person := image.Rect(200, 100, 300, 400)
	for y := person.Min.Y; y < person.Max.Y; y++ { // a pattern that hiding flattens
		for x := person.Min.X; x < person.Max.X; x++ {
			if x/4%2 == 0 {
				f.Image.SetUCharAt(y, 3*x, 255)
				f.Image.SetUCharAt(y, 3*x+1, 255)
				f.Image.SetUCharAt(y, 3*x+2, 255)
			}
		}
	}
	objects := []event.Object{{Label: "person", Score: .9, Box: event.Box{200, 100, 300, 400}}}
	contrast := func(m image.Image) int {
		low, high := uint8(255), uint8(0)
		scale := float64(m.Bounds().Dx()) / 640
		for x := 230; x < 240; x++ {
			level := color.GrayModel.Convert(m.At(int(float64(x)*scale), int(250*scale))).(color.Gray).Y
			low, high = min(low, level), max(high, level)
		}
		return int(high) - int(low)
	}
	for _, veil := range []*preview.Veil{nil, preview.NewGuard(preview.PrivacyPeople, .5, nil).Veil(objects, event.Size{Width: 640, Height: 480}, 0)} {
		h.cameras["a"].show(f, veil, sightingOf("a", 1, f))
		for range 2 {
			p, err := v.Next(t.Context())
			require.NoError(t, err)
			if c := contrast(decode(t, p.Picture)); veil == nil {
				require.Greater(t, c, 60, "width %d", p.Picture.Width)
			} else {
				require.Less(t, c, 20, "width %d", p.Picture.Width)
			}
		}
	}
}

func TestHub_PeopleThatCannotBeHidden_NoPicture(t *testing.T) {
	t.Parallel()
	h := runHub(t, "a")
	v := h.feed.Watch(live.Wants{"a": {Widths: []int{320}, FPS: live.MaxFPS}})
	defer v.Close()
	f := grey(t, 640, 480, 0)
	h.cameras["a"].show(f, new(preview.Veil), sightingOf("a", 1, f)) // it does not know the frame's size
	p, err := v.Next(t.Context())
	require.NoError(t, err)
	require.Empty(t, p.Picture.JPEG)
	require.Contains(t, p.Picture.Hidden, "cannot be shown")
}

func TestRate_Frames_PerSecond(t *testing.T) {
	t.Parallel()
	var r rate
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	require.Zero(t, r.update(100, now))
	require.InDelta(t, 5, r.update(105, now.Add(time.Second)), 1e-9)
	require.InDelta(t, 5, r.update(105, now.Add(time.Second)), 1e-9, "two at once")
	require.Zero(t, r.update(9000, now.Add(time.Hour)), "nobody looked in between")
}

func TestListenLive_AddressOfOthers_NeedsAToken(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"0.0.0.0:0", ":0", "example.org:1"} {
		_, err := listenLive(addr, "")
		require.ErrorContains(t, err, "--live-token", addr)
	}
	l, err := listenLive("0.0.0.0:0", "secret")
	require.NoError(t, errors.Join(err, l.Close()))
	path := t.TempDir() + "/live.sock"
	for range 2 { // the second finds the socket of one that was killed
		l, err = listenLive(path, "")
		require.NoError(t, err)
		l.(interface{ SetUnlinkOnClose(bool) }).SetUnlinkOnClose(false)
		require.NoError(t, l.Close())
	}
}

// BenchmarkHub_Show is what a camera pays for a frame of 1920 × 1080 pixels.
func BenchmarkHub_Show(b *testing.B) {
	f := grey(b, 1920, 1080, 100)
	s := sightingOf("a", 1, f)
	for name, width := range map[string]int{"nobody looks": 0, "one viewer": 640} {
		b.Run(name, func(b *testing.B) {
			h := runHub(b, "a")
			if width > 0 {
				v := h.feed.Watch(live.Wants{"a": {Widths: []int{width}, FPS: live.MaxFPS}})
				defer v.Close()
			}
			for b.Loop() {
				h.cameras["a"].show(f, nil, s)
			}
		})
	}
}
