package ingest_test

import (
	"context"
	"image"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// pictures reads a source to its end and keeps the part of each picture below
// the clock.
func picturesOf(t *testing.T, s ingest.Source) (all [][]byte, seqs []int64, err error) {
	t.Helper()
	for {
		var f ingest.Frame
		if err = s.Next(context.Background(), &f); err != nil {
			return all, seqs, err
		}
		b := f.Image.ToBytes()
		all = append(all, b[3*f.Image.Cols()*20:])
		seqs = append(seqs, f.Seq)
	}
}

func TestPattern_OpenedTwice_SamePeople(t *testing.T) {
	t.Parallel()
	const uri = "test://people?size=320x240&fps=10&frames=12&people=2"
	s := open(t, uri, ingest.Options{Pace: ingest.Fast})
	info := s.Info()
	require.Equal(t, event.SourceTest, info.Kind)
	require.Equal(t, image.Pt(320, 240), info.Size)
	require.EqualValues(t, 12, info.Frames)
	require.NotEmpty(t, info.Fingerprint)
	first, seqs, err := picturesOf(t, s)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, seqs)
	require.NotEqual(t, first[0], first[5])
	tail, seqs, err := picturesOf(t, open(t, uri, ingest.Options{Pace: ingest.Fast, StartAt: 9}))
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, []int64{9, 10, 11}, seqs)
	require.Equal(t, first[9:], tail)
}

func TestPattern_People_WalkThroughThePicture(t *testing.T) {
	t.Parallel()
	p, err := ingest.ParsePattern("test://people?people=3")
	require.NoError(t, err)
	seen := make([]int, 3)
	for seq := range int64(600) {
		boxes := p.Boxes(seq)
		require.Len(t, boxes, 3)
		for i, b := range boxes {
			require.True(t, b.In(image.Rectangle{Max: p.Size}))
			if b.Dx() > 30 {
				seen[i]++
			}
		}
	}
	for _, n := range seen {
		require.Greater(t, n, 300)
		require.Less(t, n, 600, "each is away for a while")
	}
}

func TestClock_Compressed_StillRead(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Microsecond)
	s := open(t, "test://people?frames=3", ingest.Options{Pace: ingest.Fast})
	var f ingest.Frame
	for want := range int64(3) {
		require.NoError(t, s.Next(context.Background(), &f))
		buf, err := gocv.IMEncodeWithParams(gocv.JPEGFileExt, f.Image, []int{gocv.IMWriteJpegQuality, 60})
		require.NoError(t, err)
		m, err := gocv.IMDecode(buf.GetBytes(), gocv.IMReadColor)
		require.NoError(t, err)
		seq, at, ok := ingest.ReadClock(&m)
		require.True(t, ok)
		require.Equal(t, want, seq)
		require.False(t, at.Before(before) || at.After(time.Now()))
		m.Close()
		buf.Close()
	}
	blank := gocv.NewMatWithSize(480, 640, gocv.MatTypeCV8UC3)
	defer blank.Close()
	_, _, ok := ingest.ReadClock(&blank)
	require.False(t, ok)
}

func TestParsePattern_Bad_UsageError(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{
		"test://dogs", "test://people?size=3x3", "test://people?fps=0", "test://people?fps=NaN", "test://people?people=99", "test://people?colour=red", "test://people?frames=-1",
	} {
		_, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: uri}, ingest.Options{})
		require.Truef(t, usage.Is(err), "%s: %v", uri, err)
	}
}
