package live_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/live"
)

// detector is a feed that answers at a socket.
type detector struct {
	live.Feed
	wanted chan live.Wants // capacity 100: the changes; more fail the test
	ended  chan error      // of each connection
	addr   string
}

func newDetector(t *testing.T, addr, token string) *detector {
	t.Helper()
	d := &detector{wanted: make(chan live.Wants, 100), ended: make(chan error, 100), addr: addr}
	d.Changed = func(w live.Wants) { d.wanted <- w }
	network := "tcp"
	if strings.Contains(addr, "/") {
		network = "unix"
	}
	l, err := net.Listen(network, addr)
	require.NoError(t, err)
	d.addr = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			d.ended <- live.ServeConn(ctx, conn, &d.Feed, token)
		}
	}()
	t.Cleanup(func() { cancel(); l.Close(); <-done })
	return d
}

// until returns the wants when they have so many cameras.
func (d *detector) until(t *testing.T, cameras int) live.Wants {
	t.Helper()
	for {
		select {
		case w := <-d.wanted:
			if len(w) == cameras {
				return w
			}
		case <-t.Context().Done():
			t.Fatal("they are never wanted")
		}
	}
}

func dial(t *testing.T, addr, token string) *live.Client {
	t.Helper()
	c := live.NewClient(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.Dial(ctx, addr, token)
	}()
	t.Cleanup(func() { cancel(); <-done })
	return c
}

func TestClient_ManyWhoLook_EachPictureCrossesOnce(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{filepath.Join(t.TempDir(), "live.sock"), "127.0.0.1:0"} {
		d := newDetector(t, addr, "")
		c := dial(t, d.addr, "")
		var viewers []*live.Viewer
		for range 20 {
			viewers = append(viewers, c.Watch(wants(live.MaxFPS, "a")))
		}
		require.Equal(t, wants(live.MaxFPS, "a"), d.until(t, 1))
		for seq := range int64(10) {
			d.Publish(picture("a", seq, 640))
			first := next(t, viewers[0])
			require.Equal(t, seq, first.Seq)
			for _, v := range viewers[1:] {
				require.Same(t, first, next(t, v), "the same, not a copy")
			}
		}
		for _, v := range viewers {
			v.Close()
		}
		require.Empty(t, d.until(t, 0), "nothing is wanted while nobody looks")
	}
}

func TestClient_DetectEnds_CamerasAreLostUntilItIsBack(t *testing.T) {
	t.Parallel()
	d := newDetector(t, "127.0.0.1:0", "")
	c := live.NewClient(slog.New(slog.DiscardHandler))
	v := c.Watch(wants(5, "a", "b", "c"))
	defer v.Close()
	status := func() (lines []string) {
		p, err := v.Next(t.Context())
		require.NoError(t, err)
		require.NotNil(t, p.Status)
		for _, cam := range p.Status.Cameras {
			lines = append(lines, fmt.Sprintf("%s %s %d %v", cam.ID, cam.State, cam.People, cam.Problem != ""))
		}
		return lines
	}
	for range 2 { // the second is a detect that was started again
		conn, err := net.Dial("tcp", d.addr)
		require.NoError(t, err)
		ended := make(chan error)
		go func() { ended <- c.Attach(t.Context(), conn, "") }()
		d.until(t, 3)
		d.States([]live.Camera{{ID: "a", State: "running", People: 2}, {ID: "b", State: "ended"}})
		require.Equal(t, []string{"a running 2 false", "b ended 0 false"}, status())
		require.NoError(t, conn.Close()) // as the end of a process closes it
		require.Error(t, <-ended)
		require.Equal(t, []string{"a lost 0 true", "b ended 0 false"}, status())
		<-d.ended
	}
	require.Equal(t, []string{"a", "b"}, c.Known())
}

func TestServeConn_WrongTokenOrWish_Refused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ wish, err string }{
		"no token":      {`{"wants":{}}`, live.ErrToken.Error()},
		"another":       {`{"token":"secrez","wants":{}}`, live.ErrToken.Error()},
		"no JSON":       {`GET / HTTP/1.1`, "read a wish"},
		"a width":       {`{"token":"secret","wants":{"a":{"widths":[641],"fps":1}}}`, "641 pixels"},
		"many a second": {`{"token":"secret","wants":{"a":{"widths":[640],"fps":1e9}}}`, "so many"},
		"too long":      {`{"token":"` + strings.Repeat("x", 1<<20) + `"}`, "longer than any"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDetector(t, "127.0.0.1:0", "secret")
			conn, err := net.Dial("tcp", d.addr)
			require.NoError(t, err)
			defer conn.Close()
			_, _ = conn.Write([]byte(tc.wish + "\n"))
			require.ErrorContains(t, <-d.ended, tc.err)
			require.False(t, d.Watched())
		})
	}
	d := newDetector(t, "127.0.0.1:0", "secret")
	v := dial(t, d.addr, "secret").Watch(wants(5, "a"))
	defer v.Close()
	d.until(t, 1)
}
