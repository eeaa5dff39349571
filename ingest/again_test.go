package ingest

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/internal/testenv"
)

// notYet is a library that stands before FFmpeg's and has no packet yet: three
// times before each, or for ever. It counts the calls in a file.
const notYet = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
int av_read_frame(void *format, void *packet) {
	static int (*next)(void *, void *);
	static int *calls;
	if (!next) next = (int (*)(void *, void *))dlsym(RTLD_NEXT, "av_read_frame");
	if (!calls) calls = mmap(0, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, open(getenv("SIGHTLOG_TEST_CALLS"), O_RDWR), 0);
	if (++*calls % 4 || !strcmp(getenv("SIGHTLOG_TEST_NOT_YET"), "ever")) return -EAGAIN;
	return next(format, packet);
}
`

// A protocol may have no packet yet and not wait for one itself (EAGAIN).
func TestLibav_NoPacketYet_WaitsAndMindsItsDeadline(t *testing.T) {
	if mode := os.Getenv("SIGHTLOG_TEST_NOT_YET"); mode != "" {
		readNotYet(t, mode)
		return
	}
	dir := t.TempDir()
	clip, source, library := filepath.Join(dir, "clip.mp4"), filepath.Join(dir, "notyet.c"), filepath.Join(dir, "notyet.so")
	require.NoError(t, os.WriteFile(source, []byte(notYet), 0o600))
	for _, args := range [][]string{
		{"ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=2", "-c:v", "mjpeg", clip},
		{"cc", "-shared", "-fPIC", "-o", library, source, "-ldl"},
	} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			testenv.Skip(t, args[0]+": "+err.Error()+" "+string(out))
		}
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	for _, mode := range []string{"thrice", "ever"} {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
		calls := filepath.Join(dir, mode)
		require.NoError(t, os.WriteFile(calls, make([]byte, 4), 0o600))
		cmd.Env = append(os.Environ(), "SIGHTLOG_TEST_NOT_YET="+mode, "SIGHTLOG_TEST_CLIP="+clip, "SIGHTLOG_TEST_CALLS="+calls)
		// The address sanitizer would want to be the first library.
		cmd.Env = append(cmd.Env, "LD_PRELOAD="+library, "ASAN_OPTIONS="+os.Getenv("ASAN_OPTIONS")+":verify_asan_link_order=0")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", mode, out)
	}
}

func readNotYet(t *testing.T, mode string) {
	t.Helper()
	l := fileLibav(os.Getenv("SIGHTLOG_TEST_CLIP"))
	require.NoError(t, l.open(time.Minute))
	require.NoError(t, l.analyse(time.Minute))
	defer l.close()
	if mode == "ever" {
		began := time.Now()
		require.ErrorIs(t, l.grab(100*time.Millisecond), errLate, "at its deadline")
		time.AfterFunc(100*time.Millisecond, l.interrupt)
		require.Error(t, l.grab(0), "when it is interrupted")
		// It sleeps for 2 ms between two calls; a loop that does not would call hundreds of
		// times in one.
		calls, err := os.ReadFile(os.Getenv("SIGHTLOG_TEST_CALLS"))
		require.NoError(t, err)
		n := int64(binary.NativeEndian.Uint32(calls))
		require.Positive(t, n)
		require.LessOrEqual(t, n, time.Since(began).Milliseconds()+10, "it does not sleep")
		return
	}
	m := gocv.NewMat()
	defer m.Close()
	frames := 0
	var err error
	for err = l.grab(0); err == nil; err = l.grab(0) {
		require.True(t, l.retrieve(&m))
		frames++
	}
	require.True(t, errors.Is(err, io.EOF), "%v", err)
	require.Equal(t, 20, frames)
}
