package models

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bytes"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/usage"
)

func TestCatalogue_Entries_Complete(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, e := range Catalogue() {
		require.NotEmpty(t, e.Licence, e.Name)
		require.NotEmpty(t, e.Homepage, e.Name)
		require.NotEmpty(t, e.Decoder, e.Name)
		require.NotEmpty(t, e.Builds, e.Name)
		require.False(t, names[e.Name])
		names[e.Name] = true
		for _, b := range e.Builds {
			require.Regexp(t, "^[0-9a-f]{64}$", b.SHA256, e.Name)
			require.Positive(t, b.Size, e.Name)
			require.True(t, b.Verified || len(b.URLs) > 0, "%s: neither here nor to be had", e.Name)
			for _, u := range b.URLs {
				require.Regexp(t, "^https://.*[.]onnx$", u)
			}
		}
	}
	require.True(t, names[Default])
}

func TestCatalogue_VerifiedBuilds_MatchTheFiles(t *testing.T) {
	t.Parallel()
	dir := filepath.Dir(testenv.Data(t, "models/yolox_nano.onnx"))
	for _, e := range Catalogue() {
		for _, b := range e.Builds {
			if !b.Verified {
				continue
			}
			m, err := Lookup(e.Name, Options{Dirs: []string{dir}})
			require.NoError(t, err)
			require.Equal(t, b.SHA256, m.SHA256)
			require.Equal(t, e.Name, m.Name)
		}
	}
	for path, err := range Verify(Options{Dirs: []string{dir}}) {
		require.NoError(t, err, path)
	}
}

func TestFind_UnknownModel_NearestNamed(t *testing.T) {
	t.Parallel()
	for typed, says := range map[string]string{
		"yolox-nanno": "did you mean yolox-nano?",
		"YOLOX-Tiny":  "did you mean yolox-tiny?",
		"resnet":      "known are person-nano",
	} {
		_, err := Lookup(typed, Options{})
		require.True(t, usage.Is(err))
		require.Contains(t, err.Error(), says)
	}
}

func TestLookup_Path_FileOrUsageError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "mine.onnx")
	_, err := Lookup(path, Options{})
	require.True(t, usage.Is(err))
	require.Contains(t, err.Error(), "no such file")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	m, err := Lookup(path, Options{})
	require.NoError(t, err)
	require.Equal(t, Model{Name: "mine", Path: path}, m)
	path = filepath.Join(dir, "caf\xe9.onnx")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	m, err = Lookup(path, Options{})
	require.NoError(t, err)
	require.Equal(t, Model{Name: "caf\ufffd", Path: path}, m, "the name is text, the path its bytes")
	_, err = Lookup(dir, Options{})
	require.True(t, usage.Is(err))
}

func TestLookup_OtherFile_Refused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := Options{Dirs: []string{dir}}
	_, err := Lookup("yolox-nano", opts)
	require.ErrorIs(t, err, ErrMissing)
	require.True(t, usage.Is(err))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "yolox_nano.onnx"), []byte("other"), 0o600))
	_, err = Lookup("yolox-nano", opts)
	require.True(t, usage.Is(err))
	require.Contains(t, err.Error(), "not in the catalogue")

	opts.Unverified = true
	require.NoError(t, os.WriteFile(filepath.Join(dir, "yolox_tiny.onnx"), []byte("any"), 0o600))
	_, err = Lookup("yolox-tiny", opts)
	require.ErrorContains(t, err, "not in the catalogue", "unverified is not unknown")
}

func TestLookup_UntestedFile_AcceptedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	e, _ := entryFor([]byte("weights"))
	sum := e.Builds[0].SHA256
	require.NoError(t, e.accepts(sum, false))
	e.Builds[0].Verified = false
	require.ErrorContains(t, e.accepts(sum, false), "--unverified")
	require.NoError(t, e.accepts(sum, true))
}

func TestPull_Unverified_OnlyWhenAsked(t *testing.T) {
	t.Parallel()
	_, err := Pull(context.Background(), "yolox-tiny", PullOptions{Dir: t.TempDir()})
	require.True(t, usage.Is(err))
	require.Contains(t, err.Error(), "--unverified")
	_, err = Pull(context.Background(), Default, PullOptions{Dir: t.TempDir()})
	require.ErrorContains(t, err, "in the program")
}

// served serves data, or the first cut bytes of it on the first request.
func served(t *testing.T, data []byte, cut int) (url string, ranges *[]string) {
	t.Helper()
	ranges = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*ranges = append(*ranges, r.Header.Get("Range"))
		if cut > 0 && len(*ranges) == 1 {
			w.Header().Set("Content-Length", "100000")
			w.Write(data[:cut]) //nolint:errcheck // the client sees the short body
			return
		}
		http.ServeContent(w, r, "m", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(s.Close)
	return s.URL, ranges
}

func entryFor(data []byte, urls ...string) (Entry, Build) {
	sum := sha256.Sum256(data)
	b := Build{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data)), URLs: urls, Verified: true}
	return Entry{Name: "m", File: "m.onnx", Builds: []Build{b}}, b
}

func TestPull_CutOff_Continued(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("weights "), 10_000)
	url, ranges := served(t, data, 30_000)
	e, b := entryFor(data, url)
	opts := PullOptions{Dir: t.TempDir()}
	_, err := pull(context.Background(), e, b, opts)
	require.Error(t, err)
	require.NoFileExists(t, filepath.Join(opts.Dir, "m.onnx"))

	var last int64
	opts.Progress = func(done, total int64) { last = done }
	path, err := pull(context.Background(), e, b, opts)
	require.NoError(t, err)
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, data, got)
	require.EqualValues(t, len(data), last)
	require.Equal(t, []string{"", "bytes=30000-"}, *ranges)
	require.NoFileExists(t, path+".part")

	_, err = pull(context.Background(), e, b, opts)
	require.NoError(t, err)
	require.Len(t, *ranges, 2, "an installed model is not pulled again")
}

// A server that stops in the middle and keeps the connection is given up like one that
// does not answer, and the next pull goes on where it stopped.
func TestPull_ServerStopsInTheMiddle_GivenUpAndContinued(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("weights "), 10_000)
	silent := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "80000")
		w.Write(data[:30_000]) //nolint:errcheck // the client gets what came
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}))
	t.Cleanup(silent.Close)
	e, b := entryFor(data, silent.URL)
	opts := PullOptions{Dir: t.TempDir(), Idle: 100 * time.Millisecond}
	_, err := pull(t.Context(), e, b, opts)
	require.ErrorContains(t, err, "bytes: nothing came for 100ms")

	good, _ := served(t, data, 0)
	e, b = entryFor(data, good)
	opts.Idle = 0
	path, err := pull(t.Context(), e, b, opts)
	require.NoError(t, err)
	require.FileExists(t, path)
}

func TestPull_WrongBytes_RemovedAndSecondURLTried(t *testing.T) {
	t.Parallel()
	data, wrong := []byte("right bytes"), []byte("wrong bytes")
	bad, _ := served(t, wrong, 0)
	good, _ := served(t, data, 0)
	e, b := entryFor(data, bad)
	dir := t.TempDir()
	_, err := pull(context.Background(), e, b, PullOptions{Dir: dir})
	require.ErrorContains(t, err, "SHA-256")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)

	e, b = entryFor(data, bad, good)
	path, err := pull(context.Background(), e, b, PullOptions{Dir: dir})
	require.NoError(t, err)
	require.FileExists(t, path)
}

func TestPull_Offline_ErrorNamesTheFix(t *testing.T) {
	t.Parallel()
	e, b := entryFor([]byte("x"), "http://127.0.0.1:1/m.onnx")
	_, err := pull(context.Background(), e, b, PullOptions{Dir: t.TempDir()})
	require.ErrorContains(t, err, "check the network, or put m.onnx in $SIGHTLOG_MODELS")
}
