package ingest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
)

// resident is the process's memory in bytes, that of the C libraries included.
func resident(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc/self/statm on this system")
	}
	var size, pages int64
	_, err = fmt.Fscan(bytes.NewReader(b), &size, &pages)
	require.NoError(t, err)
	return pages * int64(os.Getpagesize())
}

// clip makes a short H.264 file.
func clip(t *testing.T) string {
	t.Helper()
	rtsptest.NeedFFmpeg(t)
	path := filepath.Join(t.TempDir(), "clip.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=640x480:rate=25:duration=1",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", path).CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func TestOpen_ManyTimes_NoMemoryLeft(t *testing.T) {
	path := clip(t)
	round := func(frames int) {
		s, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: path}, ingest.Options{Pace: ingest.Fast})
		require.NoError(t, err)
		var f ingest.Frame
		for range frames {
			require.NoError(t, s.Next(context.Background(), &f))
		}
		require.NoError(t, s.Close())
	}
	for i := range 30 { // the libraries' own caches fill
		round(i % 20)
	}
	runtime.GC()
	before, files := resident(t), openFiles(t)
	for i := range 150 {
		round(i % 20)
	}
	runtime.GC()
	grown := resident(t) - before
	t.Logf("grown by %d KiB in 150 openings", grown>>10)
	require.Less(t, grown, int64(40<<20), "a frame kept each time would be 130 MiB, a decoder more")
	require.LessOrEqual(t, openFiles(t), files)
}

func openFiles(t *testing.T) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(fds)
}

func TestNext_ManyFrames_NoMemoryLeft(t *testing.T) {
	s := open(t, "test://people?size=320x240&people=1", ingest.Options{Pace: ingest.Fast})
	var f ingest.Frame
	read := func() {
		for range 200 {
			require.NoError(t, s.Next(context.Background(), &f))
		}
	}
	read()
	before := resident(t)
	for range 10 {
		read()
	}
	grown := resident(t) - before
	t.Logf("grown by %d KiB in 2000 frames", grown>>10)
	require.Less(t, grown, int64(40<<20), "2000 frames are 460 MiB")
}
