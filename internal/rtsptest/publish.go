package rtsptest

import (
	"context"
	"fmt"
	"image"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// NeedFFmpeg skips the test where there is no ffmpeg to publish with.
func NeedFFmpeg(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		testenv.Skip(t, "ffmpeg is not installed")
	}
}

// Publish lets ffmpeg encode pictures as H.264 and send them to the server
// until stop is called or the server is gone. It returns when that has begun. next waits for the next picture
// and returns its BGR bytes, nil at the end.
func Publish(t testing.TB, s *Server, size image.Point, fps int, next func(context.Context) []byte) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "bgr24",
		"-s", fmt.Sprintf("%dx%d", size.X, size.Y), "-r", fmt.Sprint(fps), "-i", "-",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-g", "12", "-x264-params", "repeat-headers=1",
		"-f", "rtsp", "-rtsp_transport", "tcp", s.URL())
	began := s.records.Load()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	var wg sync.WaitGroup
	wg.Go(func() {
		defer in.Close()
		for {
			picture := next(ctx)
			if picture == nil {
				return
			}
			if _, err := in.Write(picture); err != nil {
				return // ffmpeg has ended
			}
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		cmd.Wait() //nolint:errcheck // it was killed
		wg.Wait()
	})
	t.Cleanup(stop)
	require.Eventually(t, func() bool { return s.records.Load() > began }, time.Minute, 10*time.Millisecond, "ffmpeg does not publish")
	return stop
}
