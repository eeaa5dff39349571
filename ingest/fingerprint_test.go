package ingest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// noise is a file's bytes, no part of which is there twice.
func noise(n int) []byte {
	r := rand.NewChaCha8([32]byte{1})
	b := make([]byte, n)
	_, _ = r.Read(b)
	return b
}

func TestFingerprint_TouchedOrMovedFile_IsTheSame(t *testing.T) {
	t.Parallel()
	path := copyPart(t, testenv.Data(t, vtest), "a.avi", 300_000)
	digest := open(t, path, ingest.Options{}).Info().Fingerprint
	require.NoError(t, os.Chtimes(path, time.Unix(1, 0), time.Unix(2, 0)))
	moved := filepath.Join(t.TempDir(), "b.avi")
	require.NoError(t, os.Rename(path, moved))
	require.Equal(t, digest, open(t, moved, ingest.Options{}).Info().Fingerprint)
}

func TestContinues_File_BeginsAsItDid(t *testing.T) {
	t.Parallel()
	const first = 128 << 10 // the digest passes over the header from here on
	for _, size := range []int{1, 1000, 70_000, first - 1, first, 500_000} {
		path := filepath.Join(t.TempDir(), "a.ts")
		all := noise(size + 200_000)
		write := func(b []byte) {
			t.Helper()
			require.NoError(t, os.WriteFile(path, b, 0o600))
		}
		write(all[:size])
		sum := sha256.New() // as it was made at first
		sum.Write(all[:min(size, 64<<10)])
		if size > 64<<10 {
			sum.Write(all[max(64<<10, size-64<<10):size])
		}
		old := fmt.Sprintf("%d-%d-%s", size, 1_700_000_000_000_000, hex.EncodeToString(sum.Sum(nil)[:16]))
		now := ingest.Fingerprint(t, path)
		require.Equal(t, now, ingest.Fingerprint(t, path))
		is := func(want bool, why string) {
			t.Helper()
			require.Equal(t, want, ingest.Continues(ingest.Spec{URI: path}, now), "%d bytes: %s", size, why)
		}
		is(true, "unchanged")
		require.True(t, ingest.Continues(ingest.Spec{URI: path}, old))
		write(all)
		is(true, "it grew")
		require.True(t, ingest.Continues(ingest.Spec{URI: path}, old))
		write(all[:size-1])
		is(false, "it is shorter")
		changed := bytes.Clone(all)
		changed[size-1] ^= 1
		write(changed)
		is(false, "its end was another")
		require.False(t, ingest.Continues(ingest.Spec{URI: path}, old))
		changed = bytes.Clone(all)
		changed[0] ^= 1
		write(changed)
		is(size >= first, "its header was closed") // of a small one, its beginning is another
		require.False(t, ingest.Continues(ingest.Spec{URI: path}, old))
	}
	path := filepath.Join(t.TempDir(), "a.ts")
	require.NoError(t, os.WriteFile(path, noise(10), 0o600))
	for _, digest := range []string{"", "-", "0-", "10", "10-", "-10-ab", "x-ab", "99999999999999999999-ab"} {
		require.False(t, ingest.Continues(ingest.Spec{URI: path}, digest), digest)
	}
	for _, uri := range []string{path + "2", "rtsp://h/", "test://people", "-", "0"} {
		require.False(t, ingest.Continues(ingest.Spec{URI: uri}, ingest.Fingerprint(t, path)), uri)
	}
}

func TestContinues_Directory_MorePicturesBehindThoseItHad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	add := func(name string, grey uint8) {
		img := image.NewGray(image.Rect(0, 0, 8, 8))
		for i := range img.Pix {
			img.Pix[i] = grey
		}
		writePNG(t, filepath.Join(dir, name), img)
	}
	spec := ingest.Spec{URI: dir}
	add("2.png", 1)
	add("10.png", 2)
	digest := open(t, dir, ingest.Options{}).Info().Fingerprint
	require.NoError(t, os.Chtimes(filepath.Join(dir, "2.png"), time.Unix(1, 0), time.Unix(2, 0)))
	require.Equal(t, digest, open(t, dir, ingest.Options{}).Info().Fingerprint, "touched")
	add("11.png", 3)
	require.NotEqual(t, digest, open(t, dir, ingest.Options{}).Info().Fingerprint)
	require.True(t, ingest.Continues(spec, digest))
	add("10.png", 4)
	require.False(t, ingest.Continues(spec, digest), "a picture of it is another")
	add("10.png", 2)
	require.True(t, ingest.Continues(spec, digest))
	add("3.png", 3)
	require.False(t, ingest.Continues(spec, digest), "a picture came between")
	require.False(t, ingest.Continues(spec, ""))
}
