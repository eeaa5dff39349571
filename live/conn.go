package live

import (
	"bufio"
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"
)

// wish is what the side that shows sends, as a line: each replaces the one before.
type wish struct {
	Token string `json:"token,omitempty"`
	Wants Wants  `json:"wants"`
}

// Limits of a wish.
const (
	maxWish    = 1 << 20
	maxCameras = 1000
	firstWish  = 10 * time.Second // the time that a connection has for its first
	writeLimit = 20 * time.Second // after which a connection that takes nothing is closed
)

// ErrToken means that a connection has not sent the right token.
var ErrToken = errors.New("live pictures are refused: the token is wrong")

// ServeConn sends what the other side of a connection wants of the feed, until the connection or ctx ends.
// It closes the connection. Without a token it serves who connects.
func ServeConn(ctx context.Context, conn net.Conn, feed *Feed, token string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()

	wishes := bufio.NewReaderSize(conn, 4096)
	_ = conn.SetReadDeadline(time.Now().Add(firstWish))
	first, err := readWish(wishes)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(first.Token), []byte(token)) != 1 {
		return ErrToken
	}
	_ = conn.SetReadDeadline(time.Time{})
	v := feed.Watch(first.Wants)
	defer v.Close()
	read := make(chan error, 1) // of the goroutine below, which ends with the connection
	go func() {
		defer cancel()
		for {
			w, err := readWish(wishes)
			if err != nil {
				read <- err
				return
			}
			v.Set(w.Wants)
		}
	}()
	err = writeParts(ctx, conn, v)
	cancel()
	conn.Close()
	if e := <-read; errors.Is(err, context.Canceled) {
		return e
	}
	return err
}

// writeParts writes what the viewer gets until it cannot, and returns why.
func writeParts(ctx context.Context, conn net.Conn, v *Viewer) error {
	for {
		part, err := v.Next(ctx)
		if err != nil {
			return err
		}
		_ = conn.SetWriteDeadline(time.Now().Add(writeLimit))
		if err := WritePart(conn, part); err != nil {
			return err
		}
	}
}

// readWish reads one, and reports io.EOF at the end of the connection.
func readWish(r *bufio.Reader) (w wish, err error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxWish {
			return w, errors.New("a wish for live pictures is longer than any")
		}
		line = append(line, part...)
		if err == nil {
			break
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return w, err
		}
	}
	if err := json.Unmarshal(line, &w); err != nil {
		return w, fmt.Errorf("read a wish for live pictures: %w", err)
	}
	return w, w.Wants.check()
}

// check refuses wants that cost more than a page does.
func (w Wants) check() error {
	if len(w) > maxCameras {
		return fmt.Errorf("live pictures of %d cameras at a time are too many", len(w))
	}
	for camera, want := range w {
		if want.FPS < 0 || want.FPS > MaxFPS || len(want.Widths) > len(Widths) {
			return fmt.Errorf("live pictures of %q cannot be so many", camera)
		}
		for _, width := range want.Widths {
			if !slices.Contains(Widths, width) {
				return fmt.Errorf("live pictures are not %d pixels wide", width)
			}
		}
	}
	return nil
}

// sendWish writes one.
func sendWish(w io.Writer, token string, wants Wants) error {
	b, err := json.Marshal(wish{Token: token, Wants: wants})
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
