package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sightlog/sightlog/bench/result"
	"github.com/sightlog/sightlog/usage"
)

// fileSize is the size of the file that is written over, again and again, as a journal is.
const fileSize = 64 << 20

// Probe writes to one file. It belongs to one goroutine.
type Probe struct {
	f   *os.File
	buf []byte
	at  int64
	// Sync makes what was written durable: fdatasync(2).
	Sync func(fd int) error
}

// Open creates the file of a probe in dir and writes it once.
func Open(dir string) (*Probe, error) {
	f, err := os.Create(filepath.Join(dir, "sightlog-disk-probe"))
	if err != nil {
		return nil, usage.Wrap(err, "give a directory that you may write", "the disk of %s cannot be measured: %v", dir, usage.Cause(err))
	}
	p := &Probe{f: f, buf: make([]byte, 1<<20), Sync: unix.Fdatasync}
	for i := range p.buf {
		p.buf[i] = byte(i * 31)
	}
	for at := int64(0); at < fileSize && err == nil; at += int64(len(p.buf)) {
		_, err = f.WriteAt(p.buf, at)
	}
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write the probe of the disk: %w", err), p.Close())
	}
	return p, nil
}

// Close removes the file.
func (p *Probe) Close() error { return errors.Join(p.f.Close(), os.Remove(p.f.Name())) }

// Measure writes size bytes and syncs them, one write after the other, for as long as d
// and at least once, and adds how long each took.
func (p *Probe) Measure(ctx context.Context, size int, d time.Duration, into *result.Histogram) error {
	size = min(max(size, 1), len(p.buf))
	for began := time.Now(); ; {
		if p.at+int64(size) > fileSize {
			p.at = 0
		}
		before := time.Now()
		if _, err := p.f.WriteAt(p.buf[:size], p.at); err != nil {
			return fmt.Errorf("write the probe of the disk: %w", err)
		}
		if err := p.Sync(int(p.f.Fd())); err != nil {
			return fmt.Errorf("sync the probe of the disk: %w", err)
		}
		into.Add(time.Since(before))
		p.at += int64(size)
		if time.Since(began) >= d {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}
