package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/rtsptest"
)

// clip makes a video of as many frames, at a rate a second.
func clip(t *testing.T, path, frames, rate string, args ...string) {
	t.Helper()
	rtsptest.NeedFFmpeg(t)
	args = append([]string{"-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=" + rate, "-frames:v", frames}, args...)
	out, err := exec.Command("ffmpeg", append(args, path)...).CombinedOutput()
	require.NoError(t, err, string(out))
}

// Names that are not UTF-8 are those files, at every place.
func TestNames_NotUTF8_AreThoseFiles(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	video := filepath.Join(tmp, "caf\xe9.avi")
	clip(t, video, "5", "10")
	dir := filepath.Join(filepath.Dir(dataDir(t)), "d\xe9")
	ok(t, sightlog, "run", "--source", "c="+video, "--data", dir, "--pace", "fast", "--preview", filepath.Join(tmp, "seen\xff.avi"))
	entries, err := os.ReadDir(filepath.Dir(dir))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no other directory beside it")
	require.FileExists(t, filepath.Join(dir, "sightlog.json"))
	require.FileExists(t, filepath.Join(tmp, "seen\xff.avi"))

	p := start(t, sightlogd, "serve", "--data", dir)
	endpoints(t, dir, p)
	from := []string{"--data", dir}
	require.Equal(t, "file://"+tmp+"/caf%E9.avi", rows(t, from, "select source from runs")[0]["source"])
	require.Equal(t, 5, number(t, from, "select count(*) from sightings"))
	picture := filepath.Join(tmp, "p\xe9.jpg")
	ok(t, sightlog, "picture", "--data", dir, "--frame", "3", "--out", picture)
	require.FileExists(t, picture)
	require.Zero(t, p.stop(t).code)
}
