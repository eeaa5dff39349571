package snapshot

import (
	"fmt"
	"log/slog"
	"testing"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
)

// BenchmarkTaker_Frame is what a frame costs the camera's goroutine (ns/op), and all in all with the worker
// (process's CPU time is for a profiler), at ten frames a second with so many people who walk and come nearer.
func BenchmarkTaker_Frame(b *testing.B) {
	for _, people := range []int{0, 1, 5, 20} {
		for _, lines := range []bool{false, true} {
			b.Run(fmt.Sprintf("1080p/people=%d/lines=%v", people, lines), func(b *testing.B) {
				w := NewWorker(func(*event.Snapshot) error { return nil }, slog.New(slog.DiscardHandler))
				var shapes []event.Shape
				if lines {
					shapes = gate
				}
				t := w.Taker(shapes, 0)
				f := &ingest.Frame{Image: gocv.NewMatWithSize(1080, 1920, gocv.MatTypeCV8UC3)}
				defer f.Image.Close()
				var objects []event.Object
				ids := make([]int64, people)
				n := int64(0)
				for b.Loop() {
					objects = objects[:0]
					for i := range ids {
						ids[i] = int64(i)
						x, h := float32(60*i+int(n%100)), 250+float32(n%100)
						objects = append(objects, event.Object{Label: "person", Score: .8, TrackID: &ids[i], Box: event.Box{x, 100, x + h/3, 100 + h}})
					}
					s := &event.Sighting{Camera: "c", Run: "r", Seq: n, PTS: n * 100_000, Frame: event.Size{Width: 1920, Height: 1080}, Objects: objects}
					t.Frame(f, s, nil, nil)
					n++
				}
				t.End()
				w.Close()
				b.ReportMetric(float64(w.Dropped())/float64(n), "dropped/frame")
			})
		}
	}
}
