package detect

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/usage"
)

// refusing is a camera that wants another password. It counts those it is given.
func refusing(t *testing.T) (uri string, logins *atomic.Int64) {
	t.Helper()
	logins = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, tried := r.BasicAuth(); tried {
			logins.Add(1)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="camera"`)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http://", "http://user:s3cret@", 1), logins
}

func cameraOf(uri string, log *slog.Logger) *cameraLoop {
	return &cameraLoop{
		spec: ingest.Spec{ID: "cam", URI: uri}, log: log,
		opts: ingest.Options{OpenTimeout: 10 * time.Second, Backoff: &ingest.Backoff{}, Log: log},
	}
}

func TestOpenSources_LoginRefused_OneTryAndOneLine(t *testing.T) {
	t.Parallel()
	for name, wait := range map[string]bool{"beside another": false, "with --wait": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			uri, logins := refusing(t)
			var b strings.Builder
			r, w := io.Pipe()
			line := make(chan struct{})
			done := make(chan struct{})
			go func() { // until w is closed
				defer close(done)
				buf := make([]byte, 4096)
				for n, err := r.Read(buf); err == nil; n, err = r.Read(buf) {
					if b.Write(buf[:n]); strings.Count(b.String(), "\n") == 1 {
						close(line)
					}
				}
			}()
			log := slog.New(slog.NewTextHandler(w, nil))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			all, err := openSources(ctx, []*cameraLoop{cameraOf(uri, log), cameraOf("test://people", log)}, wait, log)
			require.NoError(t, err)
			<-line
			<-all[1].done
			require.EqualValues(t, 1, logins.Load())
			cancel()
			closeSources(all)
			require.EqualValues(t, 1, logins.Load())
			w.Close()
			<-done
			require.Contains(t, b.String(), "(401)")
			require.Equal(t, 1, strings.Count(b.String(), "\n"), b.String())
			require.NotContains(t, b.String(), "s3cret")
		})
	}
}

func TestOpenSources_OnlyOneAndRefused_IsAUsageError(t *testing.T) {
	t.Parallel()
	uri, logins := refusing(t)
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(t.Context())
	all, err := openSources(ctx, []*cameraLoop{cameraOf(uri, log)}, false, log)
	require.True(t, usage.Is(err), err)
	require.Contains(t, err.Error(), "(401)")
	cancel()
	closeSources(all)
	require.EqualValues(t, 1, logins.Load())
}

// Detect that was started again after a crash does not log in for it, and lets
// the other cameras begin.
func TestOpenSources_HeldByTheProcessBefore_IsNotTried(t *testing.T) {
	t.Parallel()
	uri, logins := refusing(t)
	log := slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(t.Context())
	held := cameraOf(uri, log)
	held.opts.Backoff.Hold(time.Now().Add(10 * time.Minute))
	all, err := openSources(ctx, []*cameraLoop{held, cameraOf("test://people", log)}, false, log)
	require.NoError(t, err)
	require.True(t, held.status().Retry.After(time.Now()))
	cancel()
	closeSources(all)
	require.Zero(t, logins.Load())
}
