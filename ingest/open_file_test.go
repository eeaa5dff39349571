package ingest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/usage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const vtest = "video/vtest.avi"

// seen is what a test remembers of a frame.
type seen struct {
	seq  int64
	pts  time.Duration
	mean float64 // of all bytes: differs from picture to picture
}

// drain reads a source to its end.
func drain(t *testing.T, s ingest.Source) ([]seen, error) {
	t.Helper()
	var all []seen
	var f ingest.Frame
	for {
		if err := s.Next(context.Background(), &f); err != nil {
			return all, err
		}
		require.False(t, f.GrabbedAt.After(f.DecodedAt))
		require.Zero(t, f.Dropped)
		m := f.Image.Mean()
		all = append(all, seen{f.Seq, f.PTS, m.Val1 + m.Val2 + m.Val3})
	}
}

func open(t *testing.T, uri string, opts ingest.Options) ingest.Source {
	t.Helper()
	spec, err := ingest.ParseSpec(uri, 0)
	require.NoError(t, err)
	s, err := ingest.Open(context.Background(), spec, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestFile_ReadToItsEnd_EveryFrameOnce(t *testing.T) {
	t.Parallel()
	s := open(t, testenv.Data(t, vtest), ingest.Options{Pace: ingest.Fast})
	info := s.Info()
	require.Equal(t, event.SourceFile, info.Kind)
	require.EqualValues(t, 795, info.Frames)
	require.Equal(t, 10.0, info.FPS)
	require.Equal(t, 768, info.Size.X)
	require.Equal(t, 576, info.Size.Y)
	require.NotEmpty(t, info.Fingerprint)

	all, err := drain(t, s)
	require.ErrorIs(t, err, io.EOF)
	require.Len(t, all, 795)
	for i, f := range all {
		require.EqualValues(t, i, f.seq)
		require.Equal(t, time.Duration(i)*100*time.Millisecond, f.pts)
	}
}

func TestFile_StartAt_SameFrame(t *testing.T) {
	t.Parallel()
	whole, err := drain(t, open(t, testenv.Data(t, vtest), ingest.Options{Pace: ingest.Fast}))
	require.ErrorIs(t, err, io.EOF)
	for _, at := range []int64{1, 794} {
		tail, err := drain(t, open(t, testenv.Data(t, vtest), ingest.Options{Pace: ingest.Fast, StartAt: at}))
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, whole[at:], tail)
	}
	none, err := drain(t, open(t, testenv.Data(t, vtest), ingest.Options{Pace: ingest.Fast, StartAt: 795}))
	require.ErrorIs(t, err, io.EOF)
	require.Empty(t, none)
}

func TestFile_RecordedPace_NotAhead(t *testing.T) {
	t.Parallel()
	s := open(t, testenv.Data(t, vtest), ingest.Options{Pace: ingest.AsRecorded})
	var f ingest.Frame
	var started time.Time
	for range 6 {
		require.NoError(t, s.Next(context.Background(), &f))
		if started.IsZero() {
			started = f.GrabbedAt
		}
		require.GreaterOrEqual(t, f.GrabbedAt.Sub(started), f.PTS-time.Millisecond)
	}
}

// copyPart writes the first n bytes of a file, or all but -n, under a new name.
func copyPart(t *testing.T, from, name string, n int64) string {
	t.Helper()
	b, err := os.ReadFile(from)
	require.NoError(t, err)
	if n < 0 {
		n += int64(len(b))
	}
	to := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(to, b[:n], 0o600))
	return to
}

func TestFile_Truncated_GoodFramesThenDamage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		clip        string
		keep        int64
		atLeast, of int
	}{
		"half an AVI":             {vtest, 4_000_000, 300, 795},
		"an AVI without its tail": {vtest, -40_000, 780, 795},
		"most of a Matroska":      {"video/asl_walk.mkv", -50_000, 20, 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := testenv.Data(t, c.clip)
			path := copyPart(t, whole, "cut"+filepath.Ext(whole), c.keep)
			all, err := drain(t, open(t, path, ingest.Options{Pace: ingest.Fast}))
			var damage *ingest.Damage
			require.ErrorAs(t, err, &damage)
			require.NotContains(t, damage.Error(), "\n")
			require.EqualValues(t, len(all), damage.Delivered)
			require.GreaterOrEqual(t, len(all), c.atLeast)
			require.Less(t, len(all), c.of)

			full, _ := drain(t, open(t, whole, ingest.Options{Pace: ingest.Fast}))
			good := len(all) - 4 // the last ones may be concealed damage
			require.Equal(t, full[:good], all[:good], "the good frames are those of the whole file")
		})
	}
}

func TestFile_Whole_NoDamage(t *testing.T) {
	t.Parallel()
	for _, clip := range []string{"video/asl_walk.mkv", "video/car-detection.mp4", "video/one-by-one-person-detection.mp4"} {
		_, err := drain(t, open(t, testenv.Data(t, clip), ingest.Options{Pace: ingest.Fast}))
		require.ErrorIs(t, err, io.EOF, clip)
	}
}

func TestFingerprint_FileChanges_Differs(t *testing.T) {
	t.Parallel()
	path := copyPart(t, testenv.Data(t, vtest), "a.avi", 1_000_000)
	digest := open(t, path, ingest.Options{}).Info().Fingerprint
	require.Equal(t, digest, open(t, path, ingest.Options{}).Info().Fingerprint)
	st, err := os.Stat(path)
	require.NoError(t, err)
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte("changed"), 999_000)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.NoError(t, os.Chtimes(path, st.ModTime(), st.ModTime()))
	require.NotEqual(t, digest, open(t, path, ingest.Options{}).Info().Fingerprint)
}

func TestOpen_BadFile_UsageError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.mp4")
	require.NoError(t, os.WriteFile(text, []byte("This is not a video.\n"), 0o600))
	empty := filepath.Join(dir, "empty.avi")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for _, c := range []struct{ uri, says string }{
		{filepath.Join(dir, "missing.mp4"), "no such file"},
		{text, "not a video"},
		{empty, "empty"},
	} {
		_, err := ingest.Open(context.Background(), ingest.Spec{ID: "porch", URI: c.uri}, ingest.Options{})
		require.Truef(t, usage.Is(err), "%v", err)
		require.Contains(t, err.Error(), c.says)
		require.Contains(t, err.Error(), "porch="+c.uri)
		require.NotContains(t, err.Error(), "\n")
	}
}

// The second frame is due in hours, from the disk and from a server.
func TestRecording_LowDeclaredRate_NextAndCloseDoNotWait(t *testing.T) {
	dir := t.TempDir()
	ffmpeg(t, dir, "-f lavfi -i testsrc2=size=64x48:rate=1/7200:duration=21600 -c:v mjpeg slow.avi")
	for name, from := range map[string]func(t *testing.T) string{
		"file": func(*testing.T) string { return filepath.Join(dir, "slow.avi") },
		"server": func(t *testing.T) string {
			t.Helper()
			server := httptest.NewServer(http.FileServer(http.Dir(dir)))
			t.Cleanup(server.Close)
			return server.URL + "/slow.avi"
		},
	} {
		t.Run(name, func(t *testing.T) {
			uri := from(t)
			before := goleak.IgnoreCurrent()
			s := open(t, uri, ingest.Options{Pace: ingest.AsRecorded})
			var f ingest.Frame
			require.NoError(t, s.Next(t.Context(), &f))
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			require.ErrorIs(t, s.Next(ctx, &f), context.DeadlineExceeded)
			require.NoError(t, s.Close())
			goleak.VerifyNone(t, before, goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"))
		})
	}
}

func TestFile_NextAndClose_DoNotWaitForAFrame(t *testing.T) {
	t.Parallel()
	s := open(t, testenv.Data(t, vtest), ingest.Options{Pace: ingest.AsRecorded})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var f ingest.Frame
	for err := error(nil); err == nil; err = s.Next(ctx, &f) {
		require.Less(t, f.Seq, int64(10))
	}
	require.NoError(t, s.Close())
	for {
		err := s.Next(context.Background(), &f)
		if err != nil {
			require.False(t, errors.Is(err, io.EOF))
			break
		}
	}
}
