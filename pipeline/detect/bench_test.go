package detect

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/detector"
	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/models"
)

// BenchmarkFiftyCameras detects on fifty cameras in turn, whose pictures have
// four sizes, with one thread: with a session each on one loaded model, and with
// one detector that goes from camera to camera.
func BenchmarkFiftyCameras(b *testing.B) {
	const cameras = 50
	sizes := [][2]int{{768, 576}, {640, 480}, {480, 640}, {1280, 720}}
	frames := make([]ingest.Frame, len(sizes))
	for i, s := range sizes {
		frames[i].Image = gocv.NewMatWithSizeFromScalar(gocv.NewScalar(90, 120, 150, 0), s[1], s[0], gocv.MatTypeCV8UC3)
		defer frames[i].Image.Close()
	}
	for _, model := range []string{"yolox_nano", "rtmdet_nano_person"} {
		path := testenv.Data(b, "models/"+model+".onnx")
		open := func(b *testing.B) *pool {
			found, err := models.Lookup(path, models.Options{})
			require.NoError(b, err)
			p, err := openPool(&settings{cameras: make([]cameraSettings, cameras), model: found, threads: 1, tracked: true}, nil)
			require.NoError(b, err)
			return p
		}
		run := func(b *testing.B, detect func(camera int, f *ingest.Frame) error) {
			for c := range cameras { // the first detection makes the tensors
				require.NoError(b, detect(c, &frames[c%len(frames)]))
			}
			cpu, n := cpuTime(b), 0
			for b.Loop() {
				require.NoError(b, detect(n%cameras, &frames[n%cameras%len(frames)]))
				n++
			}
			b.ReportMetric(float64((cpuTime(b)-cpu).Microseconds())/1000/float64(n), "cpu-ms/frame")
			b.ReportMetric(resident(b), "MB")
		}
		b.Run(model+"/sessions", func(b *testing.B) {
			p := open(b)
			detectors := make([]*cameraDetector, cameras)
			for i := range detectors {
				detectors[i] = p.camera(nil)
			}
			run(b, func(c int, f *ingest.Frame) error {
				_, err := detectors[c].detect(b.Context(), nil, f)
				return err
			})
			for _, e := range detectors {
				require.NoError(b, e.close())
			}
			require.NoError(b, p.close())
		})
		b.Run(model+"/one", func(b *testing.B) {
			p := open(b)
			d, err := detector.New(p.session, p.opts)
			require.NoError(b, err)
			var objects []event.Object
			run(b, func(_ int, f *ingest.Frame) error {
				objects, err = d.Detect(f, objects)
				return err
			})
			require.NoError(b, p.close())
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var r syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// resident is the memory of the process in MB.
func resident(b *testing.B) float64 {
	statm, err := os.ReadFile("/proc/self/statm")
	require.NoError(b, err)
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	require.NoError(b, err)
	return float64(pages*os.Getpagesize()) / 1e6
}
