package e2e_test

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/rtsptest"
	"github.com/sightlog/sightlog/internal/testenv"
)

// password is on no command line, as those of other tests are.
const password = "hidden-pa55word"

// guarded is a camera over HTTP that wants a password.
func guarded(t *testing.T) *httptest.Server {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 320, 240)), nil))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, p, _ := r.BasicAuth(); p != password {
			w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=next")
		for {
			fmt.Fprintf(w, "--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", b.Len(), b.Bytes())
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// sourcesFile writes a --source-file.
func sourcesFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sources")
	require.NoError(t, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600))
	return path
}

// commandLines is what ps shows to everybody.
func commandLines(t *testing.T) string {
	t.Helper()
	var all []byte
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, p := range paths {
		b, _ := os.ReadFile(p) // some have ended meanwhile
		all = append(append(all, bytes.ReplaceAll(b, []byte{0}, []byte{' '})...), '\n')
	}
	return string(all)
}

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	require.NoError(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(b)
}

// A password of a camera is nowhere but in the file it was given in: not in a
// command line, the log, the tables, the topics, the metrics or an error.
func TestCameraPassword_SourceFile_IsShownNowhere(t *testing.T) {
	t.Parallel()
	camera := guarded(t)
	uri := strings.Replace(camera.URL, "http://", "http://user:"+password+"@", 1) + "/video?token=" + password
	file := sourcesFile(t, "# the porch", "porch="+uri)
	dir, web := dataDir(t), testenv.FreeAddr(t)
	p := start(t, sightlog, "run", "--source-file", file, "--data", dir, "--log-level", "debug", "--metrics", web, "--start-timeout", "1m")
	endpoints(t, dir, p)
	from := []string{"--data", dir}
	require.Eventually(t, func() bool {
		require.False(t, p.ended(), p.output)
		return number(t, from, "select count(*) from sightings") > 3
	}, limit, 100*time.Millisecond)

	shown := map[string]string{
		"ps":      commandLines(t),
		"metrics": get(t, "http://"+web+"/metrics") + get(t, "http://"+web+"/healthz"),
		"runs":    fmt.Sprint(rows(t, from, "select * from runs")),
		"cameras": ok(t, sightlogd, "query", "latest", "--data", dir),
		"doctor":  ok(t, sightlog, "doctor", "--source-file", file, "--data", dir, "--listen", "127.0.0.1:0"),
	}
	require.Contains(t, shown["ps"], file)
	require.Contains(t, shown["runs"], "/video", "the run says where it comes from")
	camera.CloseClientConnections() // it is lost, and opened again
	require.Eventually(t, func() bool { return strings.Contains(p.output.String(), "opened again") }, limit, 100*time.Millisecond, p.output)
	require.Zero(t, p.stop(t).code, p.output)
	shown["output"] = p.output.String()

	// A wrong one, at the start.
	r := do(t, sightlog, "run", "--source-file", sourcesFile(t, "porch="+strings.Replace(uri, "user:"+password, "user:not-"+password, 1)), "--data", dataDir(t))
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stderr, "(401)")
	require.Equal(t, 1, strings.Count("\n"+r.stderr, "\nsightlog: "), "one line, beside the progress of a slow start: %s", r.stderr)
	shown["refusal"] = r.stdout + r.stderr
	for what, text := range shown {
		require.NotContains(t, text, password, what)
	}
}

func TestCameraPassword_OnTheCommandLine_IsWarnedOf(t *testing.T) {
	t.Parallel()
	r := do(t, sightlog, "run", "--source", "porch=rtsp://user:s3cret@127.0.0.1:1/x", "--start-timeout", "100ms", "--data", dataDir(t))
	require.Equal(t, 2, r.code)
	require.Contains(t, r.stderr, "other users of this machine can see a password")
	require.NotContains(t, r.stderr, "s3cret")
}

// pipedClip writes a clip as a camera's program would: into a pipe.
func pipedClip(t *testing.T) *exec.Cmd {
	t.Helper()
	rtsptest.NeedFFmpeg(t)
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=10:duration=2", "-c:v", "mpeg4", "-f", "matroska", "-")
	t.Cleanup(func() {
		if cmd.Process != nil {
			_ = cmd.Process.Kill()
		}
	})
	return cmd
}

func TestRun_StandardInput_EachFrameOnce(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	writer := pipedClip(t)
	out, err := writer.StdoutPipe()
	require.NoError(t, err)
	cmd := exec.Command(sightlog, "run", "--source", "in=-", "--pace", "fast", "--data", dir)
	cmd.Stdin = out
	require.NoError(t, writer.Start())
	b, err := cmd.CombinedOutput()
	require.NoError(t, err, string(b))
	require.NoError(t, writer.Wait())
	requireFrames(t, dir, 20)
}

func TestRun_NamedPipe_EachFrameOnce(t *testing.T) {
	t.Parallel()
	dir, path := dataDir(t), filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	p := start(t, sightlog, "run", "--source", "in="+path, "--pace", "fast", "--data", dir, "--start-timeout", "1m")
	pipe, err := os.OpenFile(path, os.O_WRONLY, 0) // waits for the reader
	require.NoError(t, err)
	writer := pipedClip(t)
	writer.Stdout = pipe
	require.NoError(t, writer.Run())
	pipe.Close()
	require.Zero(t, p.wait(t).code, p.output)
	requireFrames(t, dir, 20)
}

// requireFrames looks into the tables of a data directory that nobody serves.
func requireFrames(t *testing.T, dir string, n int) {
	t.Helper()
	p := start(t, sightlogd, "serve", "--data", dir)
	endpoints(t, dir, p)
	require.Equal(t, n, number(t, []string{"--data", dir}, "select count(*) from sightings"))
	require.Equal(t, n, number(t, []string{"--data", dir}, "select count(distinct seq) from sightings"))
	require.Zero(t, p.stop(t).code)
}
