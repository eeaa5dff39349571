package full

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/usage"
)

func sourceFile(t *testing.T, mode os.FileMode, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sources")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	require.NoError(t, os.Chmod(path, mode))
	return path
}

func TestReadSources_LinesAndComments_OnlySources(t *testing.T) {
	t.Parallel()
	text := "# the hall\n\n hall=rtsp://u:s3cret#1@h/main \nyard=a b.mp4\r\n0\n"
	for _, mode := range []os.FileMode{0o600, 0o640} {
		got, err := readSources(sourceFile(t, mode, text))
		require.NoError(t, err)
		require.Equal(t, []string{"hall=rtsp://u:s3cret#1@h/main", "yard=a b.mp4", "0"}, got)
	}
	got, err := readSources(sourceFile(t, 0o644, "hall=rtsp://h/main\n"))
	require.NoError(t, err, "without a password anybody may read it")
	require.Len(t, got, 1)
	for _, text := range []string{"\ufeffhall=a.mp4\n", "\ufeff# the hall\nhall=a.mp4\n"} {
		got, err = readSources(sourceFile(t, 0o600, text))
		require.NoError(t, err, "a byte order mark")
		require.Equal(t, []string{"hall=a.mp4"}, got)
	}
}

func TestReadSources_CannotBe_OneLineWithoutAPassword(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"rtmp://h/live/s3cret", "srt://h:9000?streamid=s3cret"} {
		_, err := readSources(sourceFile(t, 0o644, "a="+key+"\n"))
		require.True(t, usage.Is(err), "%s: %v", key, err)
		require.ErrorContains(t, err, "other users may read it")
		require.NotContains(t, err.Error(), "s3cret")
	}
	for says, path := range map[string]string{
		"no such file":            filepath.Join(t.TempDir(), "none"),
		"cannot be read":          t.TempDir(),
		"no source":               sourceFile(t, 0o600, "# none yet\n"),
		"line 2":                  sourceFile(t, 0o600, "a=a.mp4\nB C=rtsp://u:s3cret@h/\n"),
		"other users may read it": sourceFile(t, 0o644, "a=rtsp://u:s3cret@h/\n"),
		"chmod o=":                sourceFile(t, 0o604, "a=http://h/?password=s3cret\n"),
	} {
		_, err := readSources(path)
		require.Truef(t, usage.Is(err), "%s: %v", says, err)
		require.Contains(t, err.Error(), says)
		require.NotContains(t, err.Error(), "s3cret")
		require.NotContains(t, err.Error(), "\n")
	}
}

func TestChildSources_Descriptors_OfThisProcess(t *testing.T) {
	t.Parallel()
	got, stdin := childSources([]string{"a=a.mp4", "/dev/fd/63"})
	require.Equal(t, "a=a.mp4", got[0])
	require.Regexp(t, `^cam1=/proc/\d+/fd/63$`, got[1])
	require.False(t, stdin)
	_, stdin = childSources([]string{"a=a.mp4", "b=-"})
	require.True(t, stdin)
}
