package storage

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"sync"
	"time"
)

// Flush is the policy that decides when a commit is acknowledged.
type Flush int

// The flush policies.
const (
	FlushAlways   Flush = iota // synced before it is acknowledged
	FlushInterval              // synced every Options.FlushInterval
	FlushOS                    // synced by checkpoints only
)

// Options configure a store. The zero value syncs every commit.
type Options struct {
	FS            FS // OSFS if nil
	Flush         Flush
	FlushInterval time.Duration // 50 ms if zero
	// JournalBytes is the size of a journal file. It bounds the bytes replayed
	// after a crash and those written between two checkpoints. 64 MiB if zero.
	JournalBytes int64
	// DirectBytes is the size, of the appends to one log in one commit group,
	// from which they are written directly to the segment and not to the
	// journal first: twice the syncs, half the bytes. 512 KiB if zero. Only
	// under FlushAlways.
	DirectBytes int
	// ProducerExpiry is the time after which an idle producer's sequence
	// numbers expire. 24 h if zero, as in Kafka.
	ProducerExpiry time.Duration
	Now            func() time.Time
	Log            *slog.Logger
	// Observe, if set, is called with each commit group that was written.
	Observe func(GroupStats)
}

// GroupStats describes one group commit.
type GroupStats struct {
	Commits int
	Bytes   int
	Sync    time.Duration // of the journal's write and fdatasync
}

var (
	// ErrFailed means that a sync failed, after which the content of the disk is
	// unknown. The store refuses writes until it is opened again.
	ErrFailed = errors.New("storage has failed and refuses writes")
	// ErrClosed means that the store is closed.
	ErrClosed = errors.New("storage is closed")
	// ErrNewerFormat means that a later release wrote the directory.
	ErrNewerFormat = errors.New("data directory was written by a newer release")
)

// Store is an open data directory.
type Store struct {
	dir  string
	fs   FS
	opt  Options
	log  *slog.Logger
	lock io.Closer

	epoch int32 // of this opening; see Epoch

	table *table

	logsMu sync.RWMutex // guards logs, nextID
	logs   map[uint64]*Log
	nextID uint64

	queueMu sync.Mutex   // guards queue, waiters, closed
	queue   []*Commit    // submitted, not taken by the committer yet
	waiters []chan error // callers of Checkpoint, not adopted by one yet
	closed  bool

	wake    chan struct{} // capacity 1: queue, waiters or closed changed
	stopped chan struct{} // closed when the committer has returned

	failMu sync.Mutex // guards failed
	failed error

	dirMu  sync.Mutex // held during the sync of a directory; guards dirErr
	dirErr error      // of the first such sync that failed

	refused refusal

	committer committer // its fields belong to the writer goroutine once Open has returned
}

// Open opens the data directory dir, creating it if it is absent, and recovers
// what a crash left.
func Open(dir string, opt Options) (*Store, error) {
	if opt.FS == nil {
		opt.FS = OSFS{}
	}
	if opt.FlushInterval <= 0 {
		opt.FlushInterval = 50 * time.Millisecond
	}
	if opt.JournalBytes <= 0 {
		opt.JournalBytes = 64 << 20
	}
	if opt.DirectBytes <= 0 {
		opt.DirectBytes = 512 << 10
	}
	if opt.ProducerExpiry <= 0 {
		opt.ProducerExpiry = 24 * time.Hour
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{
		dir: dir, fs: opt.FS, opt: opt, log: opt.Log,
		table:   newTable(),
		logs:    map[uint64]*Log{},
		nextID:  1,
		wake:    make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	s.committer.store = s
	for _, d := range []string{dir, s.journalDir(), s.logsDir()} {
		if err := s.fs.MkdirAll(d); err != nil {
			return nil, fmt.Errorf("create data directory: %w", err)
		}
	}
	lock, err := s.fs.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	s.lock = lock
	if err := s.recover(); err != nil {
		s.closeFiles()
		return nil, fmt.Errorf("recover %s: %w", dir, err)
	}
	s.raiseEpoch()
	go s.committer.run()
	return s, nil
}

func (s *Store) journalDir() string     { return filepath.Join(s.dir, "journal") }
func (s *Store) logsDir() string        { return filepath.Join(s.dir, "logs") }
func (s *Store) checkpointPath() string { return filepath.Join(s.dir, "checkpoint") }

// NewLog returns a log and creates its directory. The log exists once a commit
// with Create has succeeded. The name is for people: the id makes it unique.
func (s *Store) NewLog(name string) (*Log, error) {
	s.logsMu.Lock()
	id := s.nextID
	s.nextID++
	s.logsMu.Unlock()
	if len(name) > 200 {
		name = name[:200]
	}
	name = fmt.Sprintf("%s.%d", name, id)
	l := newLog(s.fs, id, name, filepath.Join(s.logsDir(), name))
	if err := s.fs.MkdirAll(l.dir); err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	return l, nil
}

// Create adds the creation of a log that NewLog returned.
func (c *Commit) Create(l *Log) { c.add(op{kind: opCreate, log: l}, len(l.name)+16) }

// ID identifies the log in its store. An id is never used again.
func (l *Log) ID() uint64 { return l.id }

// Log returns the log with the id, or nil.
func (s *Store) Log(id uint64) *Log {
	s.logsMu.RLock()
	defer s.logsMu.RUnlock()
	return s.logs[id]
}

func (s *Store) attach(id uint64, name string) (*Log, error) {
	l := newLog(s.fs, id, name, filepath.Join(s.logsDir(), name))
	if err := s.fs.MkdirAll(l.dir); err != nil {
		return nil, fmt.Errorf("create log: %w", err)
	}
	s.register(l)
	return l, nil
}

func (s *Store) register(l *Log) {
	s.logsMu.Lock()
	defer s.logsMu.Unlock()
	s.logs[l.id] = l
	s.nextID = max(s.nextID, l.id+1)
}

func (s *Store) detach(l *Log) {
	s.logsMu.Lock()
	defer s.logsMu.Unlock()
	delete(s.logs, l.id)
}

// Submit hands a commit to the committer. Commits become durable in the order
// of submission. It does not block.
func (s *Store) Submit(c *Commit) {
	s.SubmitDeferred(c)
	s.wakeCommitter()
}

// SubmitDeferred is Submit for a commit that nobody waits for: it becomes
// durable with, or before, the next that is submitted.
func (s *Store) SubmitDeferred(c *Commit) {
	c.done = make(chan struct{})
	s.queueMu.Lock()
	if s.closed {
		s.queueMu.Unlock()
		c.err = ErrClosed
		close(c.done)
		return
	}
	s.queue = append(s.queue, c)
	s.queueMu.Unlock()
}

// Do submits a commit and waits for it.
func (s *Store) Do(c *Commit) error {
	s.Submit(c)
	return c.Wait()
}

func (s *Store) wakeCommitter() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Failed returns why the store refuses writes, or nil.
func (s *Store) Failed() error {
	s.failMu.Lock()
	defer s.failMu.Unlock()
	return s.failed
}

// syncDir makes a directory's names durable. The committer, the checkpoint and
// compactions call it: a failure is reported to one of them and counts for all.
func (s *Store) syncDir(what, dir string) error {
	s.dirMu.Lock()
	defer s.dirMu.Unlock()
	if s.dirErr != nil {
		return s.dirErr
	}
	err := s.fs.SyncDir(dir)
	if err == nil {
		return nil
	}
	if err = failedSync(what, err); errors.Is(err, errSync) {
		s.dirErr = err
	}
	return err
}

func (s *Store) fail(err error) error {
	s.failMu.Lock()
	defer s.failMu.Unlock()
	if s.failed == nil {
		s.failed = fmt.Errorf("%w: %w", ErrFailed, err)
		s.log.Error("the disk failed: no more writes are taken, reads go on; fix the disk and restart", "err", err)
	}
	return s.failed
}

// Close writes what was submitted, checkpoints, and closes the files.
func (s *Store) Close() error {
	s.queueMu.Lock()
	if s.closed {
		s.queueMu.Unlock()
		return nil
	}
	s.closed = true
	s.queueMu.Unlock()
	s.wakeCommitter()
	<-s.stopped
	err := s.committer.finalCheckpoint()
	s.closeFiles()
	return err
}

func (s *Store) closeFiles() {
	if s.committer.journal != nil {
		s.committer.journal.close()
	}
	for _, l := range s.logs {
		for _, g := range l.close() {
			g.close()
		}
	}
	s.lock.Close()
}
