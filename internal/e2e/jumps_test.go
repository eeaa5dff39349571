package e2e_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file whose timestamps jump by hours and stay there is played at its own
// pace all the same, and the run says how many jumped.
func TestRun_TimestampsJump_PlayedAtItsPaceAndCounted(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	even, jumps := filepath.Join(tmp, "even.mkv"), filepath.Join(tmp, "jumps.mkv")
	clip(t, even, "12", "25", "-c:v", "mjpeg")
	out, err := exec.Command("ffmpeg", "-v", "error", "-i", even, "-c", "copy",
		"-bsf:v", `setts=ts=if(gte(N\,6)\,TS+9800000\,TS)`, jumps).CombinedOutput()
	require.NoError(t, err, string(out))
	said := ok(t, sightlog, "run", "--source", "c="+jumps, "--data", dataDir(t), "--database-url", databaseURL(t))
	require.Contains(t, said, "12 frames, ")
	require.Contains(t, said, "\ntimestamps that jumped: 1; their frames follow after one frame interval\n")
}
