package e2e_test

import (
	"context"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/ingest"
	"github.com/sightlog/sightlog/internal/rtsptest"
)

// camera films the one walker of the test source, ten frames a second. It
// stands still at a frame until it is told to go on to a later one, so that
// what happens does not depend on how fast the machine is.
type camera struct {
	mu      sync.Mutex // guards the following
	source  ingest.Source
	frame   ingest.Frame
	picture []byte
	target  int64
}

const cameraFPS = 10

var cameraSize = image.Pt(640, 480)

func newCamera(t *testing.T) *camera {
	t.Helper()
	uri := fmt.Sprintf("test://people?people=1&fps=%d&size=%dx%d", cameraFPS, cameraSize.X, cameraSize.Y)
	s, err := ingest.Open(t.Context(), ingest.Spec{ID: "film", URI: uri}, ingest.Options{Pace: ingest.Fast})
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	c := &camera{source: s}
	require.NoError(t, c.step(t.Context()))
	return c
}

func (c *camera) step(ctx context.Context) error {
	if err := c.source.Next(ctx, &c.frame); err != nil {
		return err
	}
	c.picture = c.frame.Image.ToBytes()
	return nil
}

// film publishes to the server until stop is called or the server is gone.
func (c *camera) film(t *testing.T, s *rtsptest.Server) (stop func()) {
	t.Helper()
	tick := time.NewTicker(time.Second / cameraFPS)
	t.Cleanup(tick.Stop)
	return rtsptest.Publish(t, s, cameraSize, cameraFPS, func(ctx context.Context) []byte {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.frame.Seq < c.target && c.step(ctx) != nil {
			return nil
		}
		return c.picture
	})
}

// filmWithCuts is film with a cut, which ends the stream and its server, and begins both again after meanwhile.
func (c *camera) filmWithCuts(t *testing.T, s *rtsptest.Server) (cut func(meanwhile func())) {
	t.Helper()
	stop := c.film(t, s)
	return func(meanwhile func()) {
		t.Helper()
		s.Close()
		stop()
		meanwhile()
		s = rtsptest.Start(t, s.Addr)
		stop = c.film(t, s)
	}
}

// play lets the walker go on to a frame, where he stands still again.
func (c *camera) play(frame int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target = frame
}

// unseen lets him go on to a frame while nobody films.
func (c *camera) unseen(t *testing.T, frame int64) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.target = frame; c.frame.Seq < frame; {
		require.NoError(t, c.step(t.Context()))
	}
}

// crossings are the ways the walker goes over the middle of the picture between
// two frames, as the hall's line calls them: to the right is out.
func (c *camera) crossings(t *testing.T, from, to int64) (ways []string) {
	t.Helper()
	p, err := ingest.ParsePattern(c.source.Info().Source)
	require.NoError(t, err)
	for seq := from; seq < to; seq++ {
		a, b := p.Boxes(seq)[0], p.Boxes(seq + 1)[0]
		if a.Empty() || b.Empty() { // he is outside
			continue
		}
		switch left, next := a.Min.X+a.Max.X < cameraSize.X, b.Min.X+b.Max.X < cameraSize.X; {
		case left && !next:
			ways = append(ways, "out")
		case !left && next:
			ways = append(ways, "in")
		}
	}
	return ways
}

// The camera dies after the first crossing, detect after the second, and the
// third happens while the camera is dead: nobody sees it. Those that are seen
// are there once.
func TestRun_LiveSourceKilled_CrossingsOnce(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	config := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(config, []byte(hall), 0o600))
	dir, film := dataDir(t), filepath.Join(t.TempDir(), "hall.avi")
	server, walker := rtsptest.Start(t, ""), newCamera(t)
	cut := walker.filmWithCuts(t, server)
	p := start(t, sightlog, "run", "--config", config, "--source", "hall="+server.URL(), "--data", dir,
		"--start-timeout", "1m", "--wait", "--preview", film)
	endpoints(t, dir, p)
	from := []string{"--data", dir}
	await := func(what string) {
		t.Helper()
		for deadline := time.Now().Add(limit); number(t, from, "select coalesce(("+what+")::int, 0)") == 0; {
			require.False(t, p.ended() || time.Now().After(deadline), "it does not come to: %s\n%s", what, p.output)
		}
	}
	// seen waits until it is sure that a picture of now was looked at.
	seen := func() {
		t.Helper()
		now := time.Now().UTC().Format("2006-01-02T15:04:05.999999Z")
		await("select count(*) > 3 from sightings where captured_at > '" + now + "'")
	}
	crossed := func(n int) {
		t.Helper()
		await(fmt.Sprintf("select count(*) >= %d from crossings", n))
		seen()
	}
	restart := func(meanwhile func()) {
		t.Helper()
		cut(meanwhile)
		seen()
	}

	seen()
	walker.play(45)
	crossed(1)
	restart(func() {})
	walker.play(100)
	crossed(2)

	for _, pid := range children(p.cmd.Process.Pid) {
		require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	await("select count(*) > 1 from runs")
	preview, err := os.Stat(film)
	require.NoError(t, err)
	seen()

	restart(func() { walker.unseen(t, 165) })
	walker.play(220)
	crossed(3)
	require.Zero(t, p.stop(t).code, p.output)
	require.NotContains(t, p.output.String(), "s3cret")

	serve := start(t, sightlogd, "serve", "--data", dir)
	broker, _ := endpoints(t, dir, serve)
	var want, got []string
	for _, filmed := range [][2]int64{{0, 45}, {45, 100}, {165, 220}} {
		ways := walker.crossings(t, filmed[0], filmed[1])
		require.Len(t, ways, 1)
		want = append(want, ways...)
	}
	require.Len(t, walker.crossings(t, 100, 165), 1, "the one that nobody sees")
	for _, r := range rows(t, from, "select direction from v_crossings where line = 'middle' and label = 'person' order by captured_at") {
		got = append(got, r["direction"].(string))
	}
	require.Equal(t, want, got)
	require.Len(t, topicCrossings(t, broker), len(want))
	requireVisitsOfTables(t, broker, dir, 0)
	require.Equal(t, 2, number(t, from, "select count(distinct run_id) from crossings"))
	require.Zero(t, serve.stop(t).code)

	// The preview of the run before detect died is as it was left.
	now, err := os.Stat(film)
	require.NoError(t, err)
	require.Positive(t, now.Size())
	require.Equal(t, []any{preview.Size(), preview.ModTime()}, []any{now.Size(), now.ModTime()})
	require.FileExists(t, strings.Replace(film, ".avi", "-2.avi", 1))
}
