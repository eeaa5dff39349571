package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
)

// playlist is an HLS camera (RFC 8216): segments that ffmpeg made, and a window
// over them that a test moves. Frames carry numbers from 1.
type playlist struct {
	dir      string
	segments int

	mu      sync.Mutex // guards the following
	first   int        // of the window: the media sequence
	last    int        // of the window
	moves   bool       // by a segment each time it is read; at its end it is complete
	every   int64      // or only each so many times
	target  int        // declared target duration in seconds; 0: 1
	hangs   bool       // no request is answered until one was given up
	ended   bool       // EXT-X-ENDLIST
	failing int        // so many requests are answered 503

	fetched map[string]int // requests, by segment

	playlists atomic.Int64 // requests
}

const (
	segmentFrames = 10
	segmentFPS    = 10
)

// hls makes n segments of a second each and serves the first show of them.
func hls(t *testing.T, n, show int) (*playlist, string) {
	t.Helper()
	p := &playlist{dir: segments(t, n, 0), segments: n, last: show - 1, fetched: make(map[string]int)}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return p, strings.Replace(s.URL, "http://", "http://user:s3cret@", 1) + "/live.m3u8"
}

// segments makes n segments of a second each whose frames are numbered from
// after + 1.
func segments(t *testing.T, n, after int) (dir string) {
	t.Helper()
	rtsptest.NeedFFmpeg(t)
	dir = t.TempDir()
	cmd := exec.Command("ffmpeg", "-v", "error", "-f", "image2pipe", "-c:v", "mjpeg", "-framerate", fmt.Sprint(segmentFPS), "-i", "-",
		"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", fmt.Sprint(segmentFrames), "-sc_threshold", "0",
		"-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_segment_filename", filepath.Join(dir, "s%d.ts"), filepath.Join(dir, "all.m3u8"))
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for i := range n * segmentFrames {
		_, err := in.Write(numbered(after+i+1, image.Pt(160, 64)))
		require.NoError(t, err)
	}
	in.Close()
	require.NoError(t, cmd.Wait())
	return dir
}

func (p *playlist) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hangs {
		p.mu.Unlock()
		<-r.Context().Done()
		p.mu.Lock()
		p.hangs = false
		return
	}
	if p.failing > 0 {
		p.failing--
		http.Error(w, "later", http.StatusServiceUnavailable)
		return
	}
	if !strings.HasSuffix(r.URL.Path, ".m3u8") {
		p.fetched[filepath.Base(r.URL.Path)]++
		b, err := os.ReadFile(filepath.Join(p.dir, filepath.Base(r.URL.Path)))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		w.Write(b) //nolint:errcheck // a reader that went
		return
	}
	if n := p.playlists.Add(1) - 1; n > 0 && p.moves && n%max(p.every, 1) == 0 {
		if p.last++; p.last == p.segments {
			p.last, p.ended = p.segments-1, true
		}
		p.first = max(0, p.last-2)
	}
	fmt.Fprintf(w, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", max(p.target, 1), p.first)
	for i := p.first; i <= p.last; i++ {
		fmt.Fprintf(w, "#EXTINF:1.0,\ns%d.ts\n", i)
	}
	if p.ended {
		fmt.Fprint(w, "#EXT-X-ENDLIST\n")
	}
}

func (p *playlist) set(f func(*playlist)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

// play reads a source to its end. Each frame must have arrived once: the
// camera's numbers are those of the source, wherever a slow machine dropped
// some.
func play(t *testing.T, src ingest.Source, each func(n int)) (last int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	for {
		var f ingest.Frame
		err := src.Next(ctx, &f)
		if errors.Is(err, io.EOF) {
			return last
		}
		require.NoError(t, err)
		last = numberOf(&f.Image)
		require.EqualValues(t, f.Seq, last-1, "a frame is there twice, or is missing")
		each(last)
	}
}

func TestHLS_VOD_EndsAsAFileDoes(t *testing.T) {
	t.Parallel()
	p, url := hls(t, 3, 3)
	p.set(func(p *playlist) { p.ended = true })
	src := open(t, url, ingest.Options{})
	began := time.Now()
	require.Equal(t, 3*segmentFrames, play(t, src, func(int) {}))
	require.GreaterOrEqual(t, time.Since(began), 2*time.Second, "it is shown at its pace")
	require.Zero(t, src.Stats().Reopened)
	require.EqualValues(t, 1, p.playlists.Load())
}

// The window moves with each look at the playlist; at last it is declared to be
// complete.
func TestHLS_Live_EachFrameOnceWithoutOpeningAgain(t *testing.T) {
	t.Parallel()
	p, url := hls(t, 7, 3)
	p.set(func(p *playlist) { p.moves = true })
	src := open(t, url, ingest.Options{})
	require.Equal(t, 7*segmentFrames, play(t, src, func(int) {}))
	require.LessOrEqual(t, src.Stats().Reopened, int64(1), "once, to see that it is complete")
}

// A playlist that has nothing new at several looks is waited for, for longer than
// opening a source may take where the first segment has too few frames to know
// their rate, and for longer than its server may be silent.
func TestHLS_NothingNewForLong_IsOpenedOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		show  int
		every int64
	}{
		"while it opens": {1, 2}, "between two segments": {3, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, url := hls(t, 5, c.show)
			p.set(func(p *playlist) { p.moves, p.every, p.target = true, c.every, 4 })
			src := open(t, url, ingest.Options{ReadTimeout: 100 * time.Millisecond, OpenTimeout: patience})
			p.set(func(p *playlist) { clear(p.fetched) })
			for n := 0; n < (c.show+1)*segmentFrames; {
				f := next(t, src, 2*patience)
				n = numberOf(&f.Image)
				require.EqualValues(t, f.Seq, n-1, "a frame is there twice, or is missing")
			}
			require.Zero(t, src.Stats().Reopened)
			p.set(func(p *playlist) {
				for name, times := range p.fetched {
					require.Equal(t, 1, times, name)
				}
			})
		})
	}
}

// A server that answers no more is found out all the same.
func TestHLS_ServerHangs_GoesOnBehindWhatWasRead(t *testing.T) {
	t.Parallel()
	p, url := hls(t, 4, 3)
	src := open(t, url, ingest.Options{ReadTimeout: 100 * time.Millisecond})
	hang := sync.OnceFunc(func() { p.set(func(p *playlist) { p.hangs, p.moves = true, true }) })
	require.Equal(t, 4*segmentFrames, play(t, src, func(n int) {
		if n > 5 {
			hang()
		}
	}))
	require.Positive(t, src.Stats().Reopened)
	p.set(func(p *playlist) { require.False(t, p.hangs) })
}

// A server that fails for a while is read on behind what was read, though its
// playlist still begins before that.
func TestHLS_ServerFails_GoesOnBehindWhatWasRead(t *testing.T) {
	t.Parallel()
	p, url := hls(t, 4, 3)
	src := open(t, url, ingest.Options{})
	fail := sync.OnceFunc(func() { p.set(func(p *playlist) { p.failing, p.moves = 4, true }) })
	require.Equal(t, 4*segmentFrames, play(t, src, func(n int) {
		if n > 15 { // in the middle of a segment
			fail()
		}
	}))
	require.Positive(t, src.Stats().Reopened)
}

// An encoder that begins anew, with the same names, sequence numbers and times,
// is followed: these are other frames.
func TestHLS_EncoderBeginsAnew_ItsFramesAreNew(t *testing.T) {
	t.Parallel()
	p, url := hls(t, 3, 3)
	src := open(t, url, ingest.Options{})
	anew := segments(t, 3, 3*segmentFrames)
	begin := sync.OnceFunc(func() { p.set(func(p *playlist) { p.dir = anew }) })
	end := sync.OnceFunc(func() { p.set(func(p *playlist) { p.ended = true }) })
	require.Equal(t, 6*segmentFrames, play(t, src, func(n int) {
		switch {
		case n > 5*segmentFrames:
			end()
		case n > 2*segmentFrames: // the last segment was fetched
			begin()
		}
	}))
	require.Positive(t, src.Stats().Reopened)
}
