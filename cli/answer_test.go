package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswer_Terminal_ControlCharactersEscaped(t *testing.T) {
	var b bytes.Buffer
	a := &answer{w: &b, terminal: true}
	_, err := a.Write([]byte("name,ü\t門\nA\x1b]0;x\a\x9b2J\u009b\u202e\r\n"))
	require.NoError(t, err)
	require.Equal(t, "name,ü\t門\nA"+`\x1b]0;x\a\x9b2J\u009b\u202e\r`+"\n", b.String())

	b.Reset()
	for _, c := range []byte("a門\U0001f600ü\n") { // a sign may come in parts
		_, err := a.Write([]byte{c})
		require.NoError(t, err)
	}
	require.Equal(t, "a門\U0001f600ü\n", b.String())
}

func TestAnswer_NoTerminal_BytesAsTheyAre(t *testing.T) {
	var b bytes.Buffer
	a := openAnswer(&b)
	_, err := a.Write([]byte("A\x1b\x9b\r\n"))
	require.NoError(t, err)
	require.Equal(t, "A\x1b\x9b\r\n", b.String())
}

// TestAnswer_ReaderGone_NoError runs this test binary again, whose standard
// output is a pipe that nobody reads any more.
func TestAnswer_ReaderGone_NoError(t *testing.T) {
	if os.Getenv("SIGHTLOG_TEST_CLOSED_PIPE") != "" {
		_, cancel := untilStopped(os.Stderr) // as Main does
		defer cancel(nil)
		a := openAnswer(os.Stdout)
		_, err := io.Copy(a, strings.NewReader("answer\n"))
		if a.done(err) != nil || err == nil {
			os.Exit(3)
		}
		os.Exit(0)
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	require.NoError(t, r.Close())
	defer w.Close()
	cmd := exec.Command(exe, "-test.run=^TestAnswer_ReaderGone_NoError$")
	cmd.Env = append(os.Environ(), "SIGHTLOG_TEST_CLOSED_PIPE=1")
	cmd.Stdout = w
	require.NoError(t, cmd.Run(), "neither an error nor SIGPIPE")
}
