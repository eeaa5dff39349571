package storage

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// faultFS is a filesystem in memory that forgets what was not synced, as a
// machine does that loses power, and fails when told.
//
// A file has the bytes that were synced and the writes since. A directory has
// the names that were synced and the changes since; a crash keeps a prefix of
// each directory's changes, and any of the writes, whole or in part.
type faultFS struct {
	mu      sync.Mutex
	rng     *rand.Rand
	synced  map[string]*memFile // names that survive a crash
	names   map[string]*memFile
	changes []nameChange
	dirs    map[string]bool

	opsLeft   int   // operations until the power goes; -1: never
	roomLeft  int64 // bytes until the disk is full; -1: never
	syncFails bool
	syncsLeft int                    // syncs until one fails; -1: never
	failSync  func(name string) bool // nil: none
	onRead    func(name string)      // called by each read, if set, without the lock
}

type nameChange struct {
	dir  string
	name string
	file *memFile // nil: removed
	from string   // a rename: the name that goes
}

type memFile struct {
	room    int64 // bytes that take no more of the disk: written or reserved
	synced  []byte
	data    []byte
	pending []memWrite
}

type memWrite struct {
	off      int64
	p        []byte
	truncate bool
}

var errPower = errors.New("the power is off")

func newFaultFS(seed uint64) *faultFS {
	return &faultFS{
		rng: rand.New(rand.NewPCG(seed, 1)), opsLeft: -1, roomLeft: -1, syncsLeft: -1,
		synced: map[string]*memFile{}, names: map[string]*memFile{}, dirs: map[string]bool{},
	}
}

// crash returns what a machine finds after the power came back.
func (f *faultFS) crash() *faultFS {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := newFaultFS(f.rng.Uint64())
	out.dirs = maps.Clone(f.dirs)
	names := maps.Clone(f.synced)
	ended := map[string]bool{}
	for _, c := range f.changes {
		ended[c.dir] = ended[c.dir] || f.rng.IntN(4) == 0
		if !ended[c.dir] {
			apply(names, c)
		}
	}
	survivors := map[*memFile]*memFile{}
	for name, file := range names {
		if survivors[file] == nil {
			p := f.afterCrash(file)
			survivors[file] = &memFile{synced: p, data: slices.Clone(p), room: int64(len(p))}
		}
		out.names[name] = survivors[file]
	}
	out.synced = maps.Clone(out.names)
	return out
}

// afterCrash returns a file's bytes: what was synced, and of the writes since
// none, some, or parts.
func (f *faultFS) afterCrash(file *memFile) []byte {
	p := slices.Clone(file.synced)
	lost := f.rng.IntN(3) == 0
	for _, w := range file.pending {
		if lost || f.rng.IntN(4) == 0 {
			continue
		}
		if w.truncate {
			p = resize(p, int(w.off))
			continue
		}
		part := w.p
		if f.rng.IntN(3) == 0 { // torn
			part = part[:f.rng.IntN(len(part)+1)]
		}
		p = resize(p, max(len(p), int(w.off)+len(part)))
		copy(p[w.off:], part)
	}
	return p
}

func resize(p []byte, n int) []byte {
	if n <= len(p) {
		return p[:n]
	}
	return append(p, make([]byte, n-len(p))...)
}

func apply(names map[string]*memFile, c nameChange) {
	delete(names, c.from)
	if c.file == nil {
		delete(names, c.name)
	} else {
		names[c.name] = c.file
	}
}

// op is called by each operation that changes the disk.
func (f *faultFS) op() error {
	if f.opsLeft == 0 {
		return errPower
	}
	if f.opsLeft > 0 {
		f.opsLeft--
	}
	return nil
}

func (f *faultFS) change(name string, file *memFile) {
	c := nameChange{dir: filepath.Dir(name), name: name, file: file}
	f.changes = append(f.changes, c)
	apply(f.names, c)
}

func (f *faultFS) OpenFile(name string, flag int) (File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := f.names[name]
	if file == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if !f.dirs[filepath.Dir(name)] {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if err := f.op(); err != nil {
			return nil, err
		}
		file = &memFile{}
		f.change(name, file)
	}
	if flag&os.O_TRUNC != 0 && len(file.data) > 0 {
		if err := f.op(); err != nil {
			return nil, err
		}
		file.truncate(0)
	}
	return &openFile{f, file, name}, nil
}

func (f *faultFS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	file := f.names[from]
	if file == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if err := f.op(); err != nil {
		return err
	}
	c := nameChange{dir: filepath.Dir(to), name: to, file: file, from: from}
	f.changes = append(f.changes, c)
	apply(f.names, c)
	return nil
}

func (f *faultFS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.names[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if err := f.op(); err != nil {
		return err
	}
	f.change(name, nil)
	return nil
}

func (f *faultFS) RemoveAll(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.op(); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(f.names)) {
		if name == dir || strings.HasPrefix(name, dir+"/") {
			f.change(name, nil)
		}
	}
	delete(f.dirs, dir)
	return nil
}

func (f *faultFS) MkdirAll(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for ; dir != "." && dir != "/"; dir = filepath.Dir(dir) {
		f.dirs[dir] = true
	}
	return nil
}

func (f *faultFS) ReadDir(dir string) (out []string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := map[string]bool{}
	for _, all := range []func(func(string) bool){maps.Keys(f.names), maps.Keys(f.dirs)} {
		for name := range all {
			if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
				first, _, _ := strings.Cut(rest, "/")
				seen[first] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

func (f *faultFS) SyncDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.sync(dir); err != nil {
		return err
	}
	rest := f.changes[:0]
	for _, c := range f.changes {
		if c.dir == dir {
			apply(f.synced, c)
		} else {
			rest = append(rest, c)
		}
	}
	f.changes = rest
	return nil
}

func (f *faultFS) sync(name string) error {
	if err := f.op(); err != nil {
		return err
	}
	fails := f.syncFails || f.syncsLeft == 0 || f.failSync != nil && f.failSync(name)
	if f.syncsLeft >= 0 {
		f.syncsLeft--
	}
	if fails {
		return syscall.EIO
	}
	return nil
}

// configure changes the faults that are to come.
func (f *faultFS) configure(fn func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn()
}

func (f *faultFS) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

type openFile struct {
	fs   *faultFS
	file *memFile
	name string // under which it was opened
}

func (o *openFile) ReadAt(p []byte, off int64) (int, error) {
	o.fs.mu.Lock()
	hook := o.fs.onRead
	o.fs.mu.Unlock()
	if hook != nil {
		hook(o.name)
	}
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if off >= int64(len(o.file.data)) {
		return 0, io.EOF
	}
	n := copy(p, o.file.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (o *openFile) WriteAt(p []byte, off int64) (int, error) {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if err := o.fs.op(); err != nil {
		return 0, err
	}
	full := o.take(off + int64(len(p)))
	if full != nil {
		p = p[:max(0, min(int64(len(p)), o.file.room-off))]
	}
	w := memWrite{off: off, p: slices.Clone(p)}
	o.file.pending = append(o.file.pending, w)
	o.file.data = resize(o.file.data, max(len(o.file.data), int(off)+len(p)))
	copy(o.file.data[off:], p)
	return len(p), full
}

func (o *openFile) Datasync() error {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if err := o.fs.sync(o.name); err != nil {
		if errors.Is(err, syscall.EIO) {
			// Written bytes can be read but are not on the disk, and the
			// next sync says all is well.
			o.file.pending = nil
		}
		return err
	}
	for _, w := range o.file.pending {
		if w.truncate {
			o.file.synced = resize(o.file.synced, int(w.off))
			continue
		}
		o.file.synced = resize(o.file.synced, max(len(o.file.synced), int(w.off)+len(w.p)))
		copy(o.file.synced[w.off:], w.p)
	}
	o.file.pending = nil
	return nil
}

func (m *memFile) truncate(n int64) {
	m.data = resize(m.data, int(n))
	m.pending = append(m.pending, memWrite{off: n, truncate: true})
}

func (o *openFile) Truncate(n int64) error {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if err := o.fs.op(); err != nil {
		return err
	}
	o.file.truncate(n)
	return nil
}

func (o *openFile) Size() (int64, error) {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	return int64(len(o.file.data)), nil
}

func (o *openFile) Allocate(off, n int64) error {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if err := o.fs.op(); err != nil {
		return err
	}
	return o.take(off + n)
}

// take gives the file room up to end, or as much as there is.
func (o *openFile) take(end int64) error {
	more := end - o.file.room
	switch {
	case more <= 0:
		return nil
	case o.fs.roomLeft < 0:
		o.file.room = end
		return nil
	case more > o.fs.roomLeft:
		o.file.room += o.fs.roomLeft
		o.fs.roomLeft = 0
		return syscall.ENOSPC
	}
	o.fs.roomLeft -= more
	o.file.room = end
	return nil
}

func (o *openFile) Close() error { return nil }
