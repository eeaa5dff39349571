package ingest_test

import (
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
	"github.com/sightlog/sightlog/usage"
)

// stream makes a Matroska file of 20 numbered frames in two seconds.
func stream(t *testing.T) []byte {
	t.Helper()
	rtsptest.NeedFFmpeg(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "s.mkv")
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "image2pipe", "-c:v", "mjpeg", "-framerate", "10", "-i", "-", "-c:v", "copy", path)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for i := range 20 {
		_, err := in.Write(numbered(i+1, image.Pt(160, 64)))
		require.NoError(t, err)
	}
	in.Close()
	require.NoError(t, cmd.Wait())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	return path
}

// readAll plays a source that drops nothing to its end.
func readAll(t *testing.T, s ingest.Source) {
	t.Helper()
	require.Equal(t, 20, play(t, s, func(int) {}))
	require.Zero(t, s.Stats().Dropped)
}

func TestPipe_WriterComesLater_EveryFrameIsRead(t *testing.T) {
	t.Parallel()
	path, b := fifo(t), stream(t)
	var wg sync.WaitGroup
	wg.Go(func() {
		time.Sleep(300 * time.Millisecond)
		f, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
		if err != nil {
			return
		}
		defer f.Close()
		f.Write(b[:len(b)/2]) //nolint:errcheck // a reader that went
		time.Sleep(300 * time.Millisecond)
		f.Write(b[len(b)/2:]) //nolint:errcheck
	})
	s := open(t, path, ingest.Options{OpenTimeout: patience})
	require.Equal(t, event.SourceFile, s.Info().Kind)
	require.Empty(t, s.Info().Fingerprint, "it cannot be read again")
	readAll(t, s)
	wg.Wait()
}

func TestStdin_Pipe_EveryFrameIsRead(t *testing.T) {
	t.Parallel()
	b := stream(t)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		w.Write(b) //nolint:errcheck
		w.Close()
	})
	s := open(t, "cam=-", ingest.Options{OpenTimeout: patience, Stdin: r})
	require.Equal(t, "-", s.Info().Source)
	readAll(t, s)
	wg.Wait()
}

func TestStdin_File_EveryFrameIsRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s.mkv")
	require.NoError(t, os.WriteFile(path, stream(t), 0o600))
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	readAll(t, open(t, "-", ingest.Options{OpenTimeout: patience, Stdin: f}))
}

func TestPipe_NoVideoInTime_IsAUsageError(t *testing.T) {
	t.Parallel()
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	silent := fifo(t)
	w, err := os.OpenFile(silent, os.O_RDWR, 0) // a writer that writes nothing
	require.NoError(t, err)
	defer w.Close()
	for uri, says := range map[string]string{
		fifo(t): "no video was written into it within 300ms",
		silent:  "no video was written into it within 300ms",
		"-":     "standard input is no video",
	} {
		_, err := ingest.Open(t.Context(), ingest.Spec{ID: "cam", URI: uri}, ingest.Options{OpenTimeout: 300 * time.Millisecond, Stdin: null})
		require.Truef(t, usage.Is(err), "%s: %v", uri, err)
		require.Contains(t, err.Error(), says)
	}
}

// Its reader is not left behind when the source is closed in mid-wait.
func TestPipe_ClosedWhileItWaits_LeavesNothing(t *testing.T) {
	t.Parallel()
	path, b := fifo(t), stream(t)
	w, err := os.OpenFile(path, os.O_RDWR, 0)
	require.NoError(t, err)
	defer w.Close()
	var wg sync.WaitGroup
	wg.Go(func() { w.Write(b[:len(b)/2]) }) //nolint:errcheck
	s := open(t, path, ingest.Options{OpenTimeout: patience, Pace: ingest.Fast})
	next(t, s, patience)
	wg.Wait()
	require.NoError(t, s.Close())
}
