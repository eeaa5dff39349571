package preview_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/frametest"
	"github.com/sightlog/sightlog/preview"
	"github.com/sightlog/sightlog/usage"
)

func TestWriter_VideoAndPictures_CanBePlayed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"p.avi", "p.mp4", "pictures"} {
		path := filepath.Join(dir, name)
		p, err := preview.NewWriter(path, 10, false)
		require.NoError(t, err)
		for seq := range int64(5) {
			f := frametest.Noise(t, 320, 240)
			f.Seq = seq
			require.NoError(t, p.Write(f, []event.Object{{Label: "person", Score: .5, Box: event.Box{50, 50, 100, 200}}}))
		}
		if name != "pictures" { // one of another size begins another file
			require.NoError(t, p.Write(frametest.Noise(t, 160, 120), nil))
			require.FileExists(t, filepath.Join(dir, "p-2"+filepath.Ext(name)))
		}
		require.NoError(t, p.Close())

		s, err := ingest.Open(context.Background(), ingest.Spec{ID: "t", URI: path}, ingest.Options{Pace: ingest.Fast})
		require.NoError(t, err)
		n := 0
		for {
			var f ingest.Frame
			if err = s.Next(context.Background(), &f); err != nil {
				break
			}
			require.Equal(t, 320, f.Size().X)
			n++
		}
		require.Truef(t, errors.Is(err, io.EOF), "%v", err)
		require.Equal(t, 5, n)
		require.NoError(t, s.Close())
	}
	_, err := preview.NewWriter(filepath.Join(dir, "p.gif"), 10, false)
	require.True(t, usage.Is(err))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	_, err = preview.NewWriter(filepath.Join(dir, "file", "p.avi"), 10, false)
	require.True(t, usage.Is(err))
}

// Whoever begins anew, a child started again or a second run, leaves what is
// there as it is.
func TestWriter_ExistingFiles_NotOverwritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	record := func(name string, resume bool, seqs ...int64) {
		p, err := preview.NewWriter(filepath.Join(dir, name), 10, resume)
		require.NoError(t, err)
		for _, seq := range seqs {
			f := frametest.Noise(t, 320, 240)
			f.Seq = seq
			require.NoError(t, p.Write(f, nil))
		}
		require.NoError(t, p.Close())
	}
	list := func() (names []string) {
		require.NoError(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				names = append(names, strings.TrimPrefix(path, dir+"/"))
			}
			return err
		}))
		return names
	}
	record("a.avi", false, 0, 1)
	before, err := os.ReadFile(filepath.Join(dir, "a.avi"))
	require.NoError(t, err)
	record("a.avi", true, 2)
	record("a.avi", false, 0)
	record("nobody.avi", false) // without a frame there is no video
	require.Equal(t, []string{"a-2.avi", "a-3.avi", "a.avi"}, list())
	after, err := os.ReadFile(filepath.Join(dir, "a.avi"))
	require.NoError(t, err)
	require.Equal(t, before, after)

	record("p/", false, 0, 1)
	record("p", true, 2)
	record("p", false, 0, 1)
	record("p", true, 2, 3)
	require.Equal(t, []string{
		"p/00000000.jpg", "p/00000001.jpg", "p/00000002.jpg",
		"p-2/00000000.jpg", "p-2/00000001.jpg", "p-2/00000002.jpg", "p-2/00000003.jpg",
	}, list()[3:])
}
