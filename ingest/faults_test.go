package ingest_test

import (
	"compress/gzip"
	"context"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
	"github.com/sightlog/sightlog/usage"
)

// server counts the requests of a server with a fault.
func server(t *testing.T, h http.HandlerFunc) (url string, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		h(w, r)
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http://", "http://user:s3cret@", 1), requests
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", code) }
}

// An answer that will be the same next time is reported as what it is, at once,
// and asked for once.
func TestOpen_ServerRefuses_SaysWhatItSaidAfterOneTry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		says string
		most int64 // requests
	}{
		"unauthorized": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
			http.Error(w, "no", http.StatusUnauthorized)
		}, "(401)", 2}, // without and with the password
		"digest": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("WWW-Authenticate", `Digest realm="camera", nonce="n", qop="auth"`)
			http.Error(w, "no", http.StatusUnauthorized)
		}, "(401)", 2},
		"forbidden": {status(http.StatusForbidden), "(403)", 1},
		"not found": {status(http.StatusNotFound), "(404)", 1},
		"gone":      {status(http.StatusGone), "(4xx)", 1},
		"page": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			io.WriteString(w, "<!doctype html><title>Log in</title>") //nolint:errcheck
		}, "web page", 1},
		"compressed page": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			io.WriteString(z, strings.Repeat("<p>Log in</p>", 1000)) //nolint:errcheck
			z.Close()
		}, "web page", 1},
		"words": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"error":"later"}`)
		}, "no video", 2},
		"empty": {func(w http.ResponseWriter, r *http.Request) {}, "no video", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := server(t, c.h)
			var log lockedBuffer
			_, err := ingest.Open(t.Context(), ingest.Spec{ID: "porch", URI: url}, ingest.Options{
				OpenTimeout: patience, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			})
			require.Truef(t, usage.Is(err), "%v", err)
			require.Contains(t, err.Error(), c.says)
			require.LessOrEqual(t, requests.Load(), c.most)
			require.NotContains(t, err.Error()+log.String(), "s3cret")
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// What may pass is tried again while there is time, ever more rarely.
func TestOpen_ServerFails_IsTriedAsScheduled(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		most int64 // requests in 3 s
	}{
		"busy": {status(http.StatusServiceUnavailable), 20},
		// One try is nine requests.
		"redirects to itself": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}, 9 * 20},
		"a header without an end": {func(w http.ResponseWriter, r *http.Request) {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			io.WriteString(rw, "HTTP/1.1 200 OK\r\n") //nolint:errcheck
			for {
				if _, err := io.WriteString(rw, "X-Filler: "+strings.Repeat("x", 8000)+"\r\n"); err != nil {
					return
				}
			}
		}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := server(t, c.h)
			_, err := ingest.Open(t.Context(), ingest.Spec{ID: "porch", URI: url}, ingest.Options{OpenTimeout: 3 * time.Second})
			require.Truef(t, usage.Is(err), "%v", err)
			require.Contains(t, err.Error(), "does not open within 3s: ")
			require.LessOrEqual(t, requests.Load(), c.most)
		})
	}
}

// What fails after it has opened well is tried as rarely.
func TestStream_FailsAfterAGoodOpening_IsTriedAsScheduled(t *testing.T) {
	t.Parallel()
	picture := numbered(1, image.Pt(160, 64))
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		most int64 // requests in 4 s
	}{
		"one picture and the end": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=next")
			fmt.Fprintf(w, "--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n", len(picture), picture)
		}, 20},
		"one picture and silence": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "multipart/x-mixed-replace; boundary=next")
			fmt.Fprintf(w, "--next\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n--next\r\n", len(picture), picture)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, requests := server(t, c.h)
			s, err := ingest.Open(t.Context(), ingest.Spec{ID: "porch", URI: url + "/v"}, ingest.Options{OpenTimeout: patience})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, s.Close()) })
			next(t, s, patience)
			before := requests.Load()
			time.Sleep(4 * time.Second)
			t.Logf("%d requests in 4 s", requests.Load()-before)
			require.LessOrEqual(t, requests.Load(), c.most)
		})
	}
}

// serveOnce serves a file without ranges, and no more than some bytes of it.
func serveOnce(path string, most int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := os.ReadFile(path)
		if err != nil {
			panic(err)
		}
		w.Header().Set("Content-Type", "video/mp4")
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		w.Write(b[:min(most, len(b))]) //nolint:errcheck
	}
}

// The index of this recording is at its end: without ranges there is no way
// back to its frames.
func TestRecording_CannotBeReadFurther_IsDamaged(t *testing.T) {
	t.Parallel()
	url, requests := server(t, serveOnce(clip(t), 1<<30))
	s := open(t, url+"/clip.mp4", ingest.Options{})
	var f ingest.Frame
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := s.Next(ctx, &f)
	var damage *ingest.Damage
	require.ErrorAs(t, err, &damage)
	require.Zero(t, damage.Delivered)
	require.LessOrEqual(t, requests.Load(), int64(10))
}

// A connection that is cut in the middle of a recording is no end of it.
func TestRecording_ConnectionIsCut_GoesOnBehindWhatWasRead(t *testing.T) {
	t.Parallel()
	path := long(t)
	st, err := os.Stat(path)
	require.NoError(t, err)
	size := st.Size()
	cuts := new(atomic.Int64)
	whole := func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) }
	url, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		if cuts.Add(1) <= 2 {
			serveOnce(path, int(size)/4)(w, r)
			return
		}
		whole(w, r)
	})
	s := open(t, url+"/clip.mp4", ingest.Options{})
	require.Equal(t, 8*segmentFrames, play(t, s, func(int) {}))
	require.Positive(t, s.Stats().Reopened)
}

// long makes a recording of 8 s whose frames are numbered and whose index comes
// first.
func long(t *testing.T) string {
	t.Helper()
	dir := segments(t, 8, 0)
	path := filepath.Join(dir, "long.mp4")
	out, err := exec.Command("ffmpeg", "-v", "error", "-allowed_extensions", "ALL", "-i", filepath.Join(dir, "all.m3u8"),
		"-c", "copy", "-movflags", "faststart", path).CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func TestRTSP_ClosesAtPlay_IsTriedAsScheduled(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	r := rtsptest.Start(t, "")
	publish(t, r, vga)
	s := open(t, r.URL(), ingest.Options{OpenTimeout: patience})
	after(t, s, time.Now(), patience)
	r.ClosesAtPlay.Store(true)
	before := r.Describes.Load()
	r.Silent.Store(true) // so that the reader is lost
	require.Eventually(t, func() bool { return r.Describes.Load() >= before+3 }, patience, 10*time.Millisecond)
	at, began := r.Describes.Load(), time.Now()
	time.Sleep(3 * time.Second)
	t.Logf("%d requests in %v", r.Describes.Load()-at, time.Since(began))
	require.LessOrEqual(t, r.Describes.Load()-at, int64(20))
}

func TestRTSP_Refused_SaysSoAfterOneTry(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	r := rtsptest.Start(t, "")
	publish(t, r, vga)
	for _, code := range []int{401, 403, 404, 453} {
		r.Refuses.Store(int64(code))
		before := r.Describes.Load()
		_, err := ingest.Open(t.Context(), ingest.Spec{ID: "porch", URI: r.URL()}, ingest.Options{OpenTimeout: patience})
		require.Truef(t, usage.Is(err), "%v", err)
		t.Log(err)
		if code != 453 {
			require.Contains(t, err.Error(), fmt.Sprintf("(%d)", code))
		}
		require.LessOrEqual(t, r.Describes.Load()-before, int64(2))
		require.NotContains(t, err.Error(), "s3cret")
	}
	r.Refuses.Store(0)
	r.NoTCP.Store(true)
	r.NoUDP.Store(true)
	_, err := ingest.Open(t.Context(), ingest.Spec{ID: "porch", URI: r.URL()}, ingest.Options{OpenTimeout: patience})
	require.Truef(t, usage.Is(err), "%v", err)
	require.Contains(t, err.Error(), "(461)")
}

func TestRTSP_NoTCP_IsReadOverUDP(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	r := rtsptest.Start(t, "")
	publish(t, r, vga)
	r.NoTCP.Store(true)
	s := open(t, r.URL(), ingest.Options{OpenTimeout: patience})
	after(t, s, time.Now(), patience)
	require.Positive(t, r.UDP.Load())
}

func TestRTSP_Transport_IsAsAsked(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	r := rtsptest.Start(t, "")
	publish(t, r, vga)
	s := open(t, r.URL()+"?channel=1&transport=udp", ingest.Options{OpenTimeout: patience})
	after(t, s, time.Now(), patience)
	require.EqualValues(t, 1, r.UDP.Load())
	require.Equal(t, "rtsp://"+r.Addr+"/cam?channel=1&transport=udp", s.Info().Source)

	r.NoTCP.Store(true)
	_, err := ingest.Open(t.Context(), ingest.Spec{ID: "porch", URI: r.URL() + "?transport=tcp"}, ingest.Options{OpenTimeout: patience})
	require.ErrorContains(t, err, "(461)")
	_, err = ingest.Open(t.Context(), ingest.Spec{ID: "porch", URI: r.URL() + "?transport=upd"}, ingest.Options{})
	require.ErrorContains(t, err, `unknown transport "upd"`)
	require.True(t, usage.Is(err))
}

// An ESP32 writes the boundary behind each picture, not before it.
func TestMultipart_NoFirstBoundary_IsRead(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"", "\r\n", "\r\n--next\r\n", "--next\r\n"} {
		url, requests := server(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "multipart/x-mixed-replace;boundary=next")
			io.WriteString(w, before) //nolint:errcheck
			for n := 1; ; n++ {
				b := numbered(n, image.Pt(160, 64))
				fmt.Fprintf(w, "Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n--next\r\n", len(b), b)
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
		s := open(t, url, ingest.Options{OpenTimeout: patience})
		for last := 0; last < 20; {
			f := next(t, s, patience)
			require.EqualValues(t, f.Seq+1, numberOf(&f.Image), "%q", before)
			last = numberOf(&f.Image)
		}
		require.EqualValues(t, 1, requests.Load())
	}
}

func TestOpen_UnknownHost_SaysSo(t *testing.T) {
	t.Parallel()
	_, err := ingest.Open(t.Context(), ingest.Spec{ID: "porch", URI: "rtsp://u:s3cret@camera.invalid/main"}, ingest.Options{OpenTimeout: time.Second})
	require.Truef(t, usage.Is(err), "%v", err)
	require.Contains(t, err.Error(), "the name camera.invalid has no address")
	require.NotContains(t, err.Error(), "s3cret")
}
