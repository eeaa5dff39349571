package ingest_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
)

// played is one frame as its caller got it.
type played struct {
	seq            int64 // that the picture shows
	drawn          time.Time
	pts            time.Duration
	grabbed, ready time.Time
}

// playThrough reads a test source to its end.
func playThrough(t *testing.T, s ingest.Source) (all []played) {
	t.Helper()
	for {
		var f ingest.Frame
		err := s.Next(context.Background(), &f)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		require.EqualValues(t, len(all), f.Seq)
		seq, at, ok := ingest.ReadClock(&f.Image)
		require.True(t, ok)
		all = append(all, played{seq, at, f.PTS, f.GrabbedAt, f.DecodedAt})
	}
}

// The clock in the picture says when it was drawn: between the stamps that the frame has.
func TestSchedule_PlayedOverAndOver_PictureClockAgreesWithTheStamps(t *testing.T) {
	t.Parallel()
	sched := ingest.NewSchedule(100, 80*time.Millisecond)
	s := open(t, "test://people?size=320x240&frames=3", ingest.Options{Schedule: sched})
	require.EqualValues(t, 8, s.Info().Frames)
	require.InDelta(t, 100, s.Info().FPS, 0)
	start := time.Now().Add(20 * time.Millisecond)
	sched.Begin(start)
	all := playThrough(t, s)
	require.Len(t, all, 8)
	for i, f := range all {
		require.Equal(t, time.Duration(i)*10*time.Millisecond, f.pts)
		require.EqualValues(t, i%3, f.seq)
		require.False(t, f.grabbed.Before(start.Add(f.pts)), "frame %d before it was due", i)
		require.False(t, f.drawn.Before(f.grabbed.Truncate(time.Microsecond)), "frame %d drawn before it was grabbed", i)
		require.False(t, f.drawn.After(f.ready), "frame %d drawn after it was decoded", i)
	}
}

// A reader that was delayed is late for all frames that were due meanwhile: their due
// times do not move.
func TestSchedule_DelayedByAnHour_EveryFrameIsLateByIt(t *testing.T) {
	t.Parallel()
	sched := ingest.NewSchedule(50, 200*time.Millisecond)
	s := open(t, "test://people?size=64x64", ingest.Options{Schedule: sched})
	start := time.Now().Add(-time.Hour)
	sched.Begin(start)
	all := playThrough(t, s)
	require.Len(t, all, 10)
	for i, f := range all {
		require.Greater(t, f.grabbed.Sub(start.Add(f.pts)), time.Hour-200*time.Millisecond, "frame %d", i)
	}
}

// picturesPlayed reads the file on a schedule that is long past.
func picturesPlayed(t *testing.T, path string, fps float64, length time.Duration, from int64) (all [][]byte, at []time.Duration) {
	t.Helper()
	sched := ingest.NewSchedule(fps, length)
	sched.Begin(time.Now().Add(-time.Hour))
	s := open(t, path, ingest.Options{Schedule: sched, StartAt: from})
	for {
		var f ingest.Frame
		err := s.Next(context.Background(), &f)
		if errors.Is(err, io.EOF) {
			return all, at
		}
		require.NoError(t, err)
		all, at = append(all, f.Image.ToBytes()), append(at, f.PTS)
	}
}

func TestSchedule_FilePlayedAgain_SamePicturesAndPositionsGoOn(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"clip.mp4", "clip.avi", "clip.mkv"} {
		path := filepath.Join(t.TempDir(), name)
		cmd := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=20", "-frames:v", "6", "-pix_fmt", "yuv420p", path)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))

		once, _ := picturesPlayed(t, path, 0, 0, 0)
		require.Len(t, once, 6, name)
		all, at := picturesPlayed(t, path, 0, 700*time.Millisecond, 0)
		require.Len(t, all, 14, name)
		for i := range all {
			require.Equal(t, once[i%6], all[i], "%s: frame %d", name, i)
			require.InDelta(t, float64(i)*.05, at[i].Seconds(), .002, "%s: frame %d", name, i)
		}
		all, at = picturesPlayed(t, path, 10, time.Second, 7) // resumed in the second pass
		require.Len(t, all, 3, name)
		require.Equal(t, once[1], all[0], name)
		require.Equal(t, 700*time.Millisecond, at[0], name)
	}
}

// A source that is closed before its schedule began has read nothing and waits for nothing.
func TestSchedule_NeverBegun_Closes(t *testing.T) {
	t.Parallel()
	s := open(t, "test://people", ingest.Options{Schedule: ingest.NewSchedule(0, 0)})
	require.NoError(t, s.Close())
	require.Zero(t, s.Stats().Frames)
}
