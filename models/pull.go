package models

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sightlog/sightlog/internal/atomicfile"
	"github.com/sightlog/sightlog/usage"
)

// PullOptions choose the target and the builds. The zero value pulls verified builds into
// the user's cache.
type PullOptions struct {
	Dir        string                  // default: the user's cache
	Unverified bool                    // also untested builds
	Progress   func(done, total int64) // bytes
	Client     *http.Client
	Idle       time.Duration // after which a download that brings nothing is given up; default 30 s
}

// Pull downloads a catalogue model and returns its path. A download that was
// cut off is continued; a file appears under its name only whole and with the
// right SHA-256. A model that cannot be pulled is a *usage.Error.
func Pull(ctx context.Context, name string, opts PullOptions) (string, error) {
	e, err := Find(name)
	if err != nil {
		return "", err
	}
	b, ok := e.pullable()
	_, inside := inProgram()[e.Name]
	switch {
	case inside:
		return "", usage.New("just use it", "model %s is in the program: there is nothing to pull", e.Name)
	case !ok:
		return "", usage.New(e.howToGet(), "model %s has no address to pull it from", e.Name)
	case !b.Verified && !opts.Unverified:
		return "", usage.New("add --unverified to pull it all the same", "model %s is unverified: its SHA-256 is from public sources, and it is untested", e.Name)
	}
	return pull(ctx, e, b, opts)
}

func pull(ctx context.Context, e Entry, b Build, opts PullOptions) (string, error) {
	if opts.Client == nil {
		opts.Client = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
			TLSHandshakeTimeout:   10 * time.Second,
			ResponseHeaderTimeout: 30 * time.Second,
		}}
	}
	if opts.Idle == 0 {
		opts.Idle = 30 * time.Second
	}
	if opts.Progress == nil {
		opts.Progress = func(int64, int64) {}
	}
	if opts.Dir == "" {
		dir, err := cacheDir()
		if err != nil {
			return "", usage.Wrap(err, "name a directory", "pull model %s: no cache directory", e.Name)
		}
		opts.Dir = dir
	}
	if err := os.MkdirAll(opts.Dir, 0o755); err != nil {
		return "", usage.Wrap(err, "name a directory that can be written", "pull model %s: %s cannot be made", e.Name, opts.Dir)
	}
	to := filepath.Join(opts.Dir, e.File)
	if sum, err := hashFile(to); err == nil && sum == b.SHA256 {
		return to, nil
	}
	var failed []error
	for _, url := range b.URLs {
		err := fetch(ctx, url, to, b, opts)
		if err == nil {
			return to, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		failed = append(failed, err)
	}
	return "", fmt.Errorf("pull model %s: %w; check the network, or put %s in $%s", e.Name, errors.Join(failed...), e.File, EnvDir)
}

// fetch downloads into to+".part", continuing an earlier download, checks it and
// renames it.
func fetch(ctx context.Context, url, to string, b Build, opts PullOptions) error {
	part := to + ".part"
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	have, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have > b.Size {
		have = 0
	}
	if have < b.Size {
		if err := download(ctx, url, f, have, b, opts); err != nil {
			return err
		}
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	sum, err := hashFile(part)
	if err != nil {
		return err
	}
	if sum != b.SHA256 {
		if err := os.Remove(part); err != nil { // continuing it would not repair it
			return err
		}
		return fmt.Errorf("%s gave SHA-256 %s, not %s: thrown away", url, sum, b.SHA256)
	}
	return atomicfile.Commit(part, to)
}

func download(ctx context.Context, url string, f *os.File, have int64, b Build, opts PullOptions) error {
	ctx, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", have))
	}
	resp, err := opts.Client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusPartialContent &&
		strings.HasPrefix(resp.Header.Get("Content-Range"), "bytes "+strconv.FormatInt(have, 10)+"-"):
	case resp.StatusCode == http.StatusOK:
		have = 0 // the server starts from the beginning
	default:
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	if err := f.Truncate(have); err != nil {
		return err
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return err
	}
	idle := time.AfterFunc(opts.Idle, func() { giveUp(fmt.Errorf("nothing came for %v", opts.Idle)) })
	defer idle.Stop()
	report := func(done, total int64) {
		idle.Reset(opts.Idle)
		opts.Progress(done, total)
	}
	n, err := io.Copy(f, io.TeeReader(io.LimitReader(resp.Body, b.Size-have+1), &progress{have, b.Size, report}))
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("%s: after %d bytes: %w", url, have+n, err)
	}
	if have+n > b.Size {
		return fmt.Errorf("%s gives more than %d bytes", url, b.Size)
	}
	return nil
}

// progress counts what passes.
type progress struct {
	done, total int64
	report      func(done, total int64)
}

func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	p.report(p.done, p.total)
	return len(b), nil
}
