package ingest

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
)

// Go lowers GOMAXPROCS to the quota of the control group; FFmpeg counts the
// machine's cores, whatever of them may be used.
func TestLibav_Quota_BoundsTheDecodersThreads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "clip.mp4")
	out, err := exec.CommandContext(context.Background(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x48:duration=0.2",
		"-c:v", "libx264", "-preset", "ultrafast", path).CombinedOutput()
	if err != nil {
		testenv.Skip(t, "ffmpeg makes no clip: "+err.Error()+" "+string(out))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for n, want := range map[int]int{1: 1, 2: 3, runtime.NumCPU() + 3: min(runtime.NumCPU()+4, 16)} {
		runtime.GOMAXPROCS(n)
		l := fileLibav(path)
		require.NoError(t, l.open(time.Minute))
		require.NoError(t, l.analyse(time.Minute))
		require.Equal(t, want, l.threads())
		l.close()
	}
}
