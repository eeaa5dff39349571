package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"gocv.io/x/gocv"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/usage"
)

// imageFPS is the rate at which still pictures are played: they have none of
// their own.
const imageFPS = 10

// openImages opens one picture, or the pictures of a directory in the natural
// order of their names: 2.jpg comes before 10.jpg.
//
// The fingerprint is made in that order. So a run that an earlier version began
// in another order is not resumed in this one: frame n would be another
// picture.
func openImages(_ context.Context, spec Spec, opts Options) (Source, error) {
	at := "--source " + spec.ID + "=" + PathName(spec.URI)
	paths, err := picturePaths(spec.URI)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usage.Wrap(err, "check the path", "%s: no such file", at)
	case err != nil:
		return nil, usage.Wrap(err, "check its permissions", "%s: cannot be listed", at)
	case len(paths) == 0:
		return nil, usage.New("name a video, or a directory of .jpg or .png pictures", "%s: is a directory without pictures", at)
	}
	h := sha256.New()
	for _, p := range paths {
		line, err := pictureLine(p)
		if err != nil {
			return nil, usage.Wrap(err, "check the directory", "%s: %s cannot be read", at, p)
		}
		fmt.Fprintln(h, line)
		if what, err := severalPictures(p); err == nil && what != "" {
			return nil, usage.New("turn it into a video; an animated PNG is read as one if its name ends in .apng", "%s: %s is %s, of which only the first picture would be read", at, filepath.Base(p), what)
		}
	}
	info := Info{
		Kind: event.SourceImages, Source: PathName(spec.URI), FPS: imageFPS, Frames: int64(len(paths)),
		Fingerprint: hex.EncodeToString(h.Sum(nil)[:16]),
	}
	p := &pictures{info: info, paths: paths}
	first, err := loadPicture(paths[0])
	switch {
	case err == nil:
		info.Size.X, info.Size.Y = first.Cols(), first.Rows()
		first.Close()
	case len(paths) == 1 && errors.Is(err, errNoPicture):
		return nil, usage.New("name a picture", "%s: not a picture", at)
	}
	return newPlayback(p, info, opts), nil
}

func (p *pictures) rewind() error { //nolint:unparam // of rewinder, which another reader implements with an error
	p.at, p.read = 0, 0
	return nil
}

// picturePaths lists the pictures of a directory in their order, or is the one
// picture.
func picturePaths(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil || !st.IsDir() {
		return []string{path}, err
	}
	entries, err := os.ReadDir(path)
	var paths []string
	for _, e := range entries {
		if isImage(e.Name()) && !e.IsDir() {
			paths = append(paths, filepath.Join(path, e.Name()))
		}
	}
	slices.SortFunc(paths, naturalOrder)
	return paths, err
}

// pictures reads still pictures. One that cannot be read is stepped over and
// reported at the end.
type pictures struct {
	info   Info
	paths  []string
	at     int // index of the next path
	read   int64
	broken []string // the fault of each picture that was passed over
}

var errNoPicture = errors.New("it is not a picture, or a damaged one")

// loadPicture reads any depth and number of channels as BGR of 8 bits, upright.
func loadPicture(path string) (gocv.Mat, error) {
	flags, orientation := gocv.IMReadColor, webpOrientation(path)
	if orientation > 0 {
		flags |= gocv.IMReadIgnoreOrientation
	}
	m := gocv.IMRead(path, flags)
	if m.Empty() {
		m.Close()
		return gocv.Mat{}, errNoPicture
	}
	if cols, rows := m.Cols(), m.Rows(); cols > MaxSide || rows > MaxSide {
		m.Close()
		return gocv.Mat{}, fmt.Errorf("its %dx%d pixels are more than %d a side", cols, rows, MaxSide)
	}
	orient(&m, orientation)
	return m, nil
}

func (p *pictures) next(m *gocv.Mat) (time.Duration, error) {
	for p.at < len(p.paths) {
		path := p.paths[p.at]
		p.at++
		got, err := loadPicture(path)
		if err != nil {
			p.broken = append(p.broken, filepath.Base(path)+": "+err.Error())
			continue
		}
		if m != nil {
			m.Close()
			*m = got
		} else {
			got.Close()
		}
		pts := time.Duration(p.read) * time.Second / imageFPS
		p.read++
		return pts, nil
	}
	if len(p.broken) > 0 {
		return 0, &Damage{Source: p.info.Source, Delivered: p.read, Reason: fmt.Sprintf("%d of its %d pictures cannot be read, the first is %s", len(p.broken), len(p.paths), p.broken[0])}
	}
	return 0, io.EOF
}

func (p *pictures) jumps() int64 { return 0 }
func (p *pictures) interrupt()   {}
func (p *pictures) close()       {}

func picturesContinue(path, fingerprint string) bool {
	paths, err := picturePaths(path)
	if err != nil {
		return false
	}
	now, first := sha256.New(), sha256.New()
	for _, p := range paths {
		line, err := pictureLine(p)
		st, statErr := os.Stat(p)
		if err != nil || statErr != nil {
			return false
		}
		fmt.Fprintln(now, line)
		fmt.Fprintf(first, "%s %d %d\n", filepath.Base(p), st.Size(), st.ModTime().UnixMicro()) // as it was made at first
		if fingerprint == hex.EncodeToString(now.Sum(nil)[:16]) || fingerprint == hex.EncodeToString(first.Sum(nil)[:16]) {
			return true
		}
	}
	return false
}
