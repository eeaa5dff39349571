package e2e_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A file that grew and was touched after its run was interrupted is read on
// where it was: no frame is counted again. One whose beginning is another is
// read from there, and it is said.
func TestInterruptedFile_ThatGrew_IsReadOn(t *testing.T) {
	t.Parallel()
	const frames = 90
	whole := filepath.Join(t.TempDir(), "whole.ts")
	clip(t, whole, "90", "1", "-c:v", "mpeg4", "-g", "10") // it ends long after it is interrupted
	all, err := os.ReadFile(whole)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "a.ts")
	const packet = 188
	require.NoError(t, os.WriteFile(path, all[:len(all)*2/3/packet*packet], 0o600))

	dir := dataDir(t)
	from := []string{"--data", dir}
	args := append([]string{"run", "--source", "c=" + path}, from...)
	p := start(t, sightlog, args...)
	endpoints(t, dir, p)
	require.Eventually(t, func() bool {
		require.False(t, p.ended(), p.output)
		return number(t, from, "select count(*) from sightings") > 2
	}, limit, 20*time.Millisecond)
	p.stop(t)

	require.NoError(t, os.WriteFile(path, all, 0o600))
	require.NoError(t, os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)))
	r := do(t, sightlog, append(args, "--pace", "fast")...)
	require.Zero(t, r.code, r.stderr)
	requireFrames(t, dir, frames)
	require.NotContains(t, r.stderr, "not continued")

	// Interrupted again, and then another file has its name.
	p = start(t, sightlog, args...)
	endpoints(t, dir, p)
	require.Eventually(t, func() bool {
		require.False(t, p.ended(), p.output)
		return number(t, from, "select count(*) from sightings") > frames+2
	}, limit, 20*time.Millisecond)
	p.stop(t)
	clip(t, path, "12", "10", "-vf", "negate")
	r = do(t, sightlog, append(args, "--pace", "fast")...)
	require.Zero(t, r.code, r.stderr)
	require.Contains(t, r.stderr, "an interrupted run is not continued")
	require.Contains(t, r.stderr, "the source is not what that run was reading")
}
