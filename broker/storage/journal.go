package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
)

// A journal file, all integers big endian:
//
//	 0  "SLJRNL01"
//	 8  sequence of the file   uint64
//	16  crc32c of 0..16        uint32
//	20  zero                   uint32
//	24  groups
//
// and a group:
//
//	 0  crc32c                 uint32  chained: starts from the previous group's
//	 4  payload length         uint32  crc, or from the file header's for the first
//	 8  number of the group    uint64  one more than the group's before
//	16  payload: operations
//
// Files are recycled: one with a new sequence is written over an old one. The chain
// of CRCs keeps groups of the earlier use out. Files are overwritten rather than
// created because an fdatasync that changes no metadata is cheaper.
const (
	journalMagic  = "SLJRNL01"
	journalHeader = 24
	groupHeader   = 16
	maxGroup      = 1 << 30
)

// journal is the store's redo log. Only the committer uses it, and recovery before
// there is a committer.
type journal struct {
	fs       FS
	dir      string
	fileSize int64 // the next file begins when the current one has grown beyond this

	current *journalFile
	busy    []*journalFile // older than current, still needed for recovery
	spare   []*journalFile
	nextID  int
	seq     uint64 // of current
	pos     int64  // where the next group goes in current
	chain   uint32
	group   uint64 // number of the last group written
	grow    int64  // by how much a file is extended next
}

type journalFile struct {
	File
	name  string
	seq   uint64
	size  int64
	end   int64 // where its last complete group ends; set by replay
	dirty bool  // has a group that was not synced
	found bool  // existed when the journal was opened: see clearFirstGroup
}

// A file is extended by steps that double: a store with few writes takes little
// disk space, and one with many soon has files that need not grow. The sync of a
// file that grew costs many times that of one that did not.
const (
	minGrow       = 256 << 10
	lastGroupRoom = 1 << 20 // beyond fileSize, for the group that crosses it
)

func journalFileHeader(seq uint64) []byte {
	h := make([]byte, journalHeader)
	copy(h, journalMagic)
	binary.BigEndian.PutUint64(h[8:], seq)
	binary.BigEndian.PutUint32(h[16:], crc32.Checksum(h[:16], castagnoli))
	return h
}

// write writes one group. buf begins with groupHeader bytes of space for the header.
// The group is not durable before sync has returned. After an error the position is
// unchanged: the next group overwrites whatever was written.
func (j *journal) write(buf []byte) error {
	if j.current == nil {
		if err := j.rotate(); err != nil {
			return err
		}
	}
	binary.BigEndian.PutUint32(buf[4:], uint32(len(buf)-groupHeader))
	binary.BigEndian.PutUint64(buf[8:], j.group+1)
	sum := crc32.Update(j.chain, castagnoli, buf[4:])
	binary.BigEndian.PutUint32(buf, sum)
	end := j.pos + int64(len(buf))
	if err := j.extend(end); err != nil {
		return err
	}
	if _, err := j.current.WriteAt(buf, j.pos); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.chain, j.pos, j.current.dirty = sum, end, true
	j.group++
	return nil
}

// extend writes zeros beyond the end of the file if a group up to end does not fit,
// so that later writes do not change the file's size.
func (j *journal) extend(end int64) error {
	f := j.current
	if end <= f.size {
		return nil
	}
	to := max(end, min(end+j.grow, j.fileSize+lastGroupRoom))
	j.grow = min(2*j.grow, j.fileSize)
	zeros := make([]byte, min(to-f.size, 1<<20))
	for at := f.size; at < to; at += int64(len(zeros)) {
		zeros = zeros[:min(int64(len(zeros)), to-at)]
		if _, err := f.WriteAt(zeros, at); err != nil {
			return fmt.Errorf("extend journal: %w", err)
		}
	}
	f.size = to
	return nil
}

// sync makes every written group durable, older files first: a group is replayed
// only if all before it are.
func (j *journal) sync() error {
	for _, f := range append(slices.Clone(j.busy), j.current) {
		if f == nil || !f.dirty {
			continue
		}
		if err := f.Datasync(); err != nil {
			return failedSync("journal", err)
		}
		f.dirty = false
	}
	return nil
}

// full reports whether the next group should begin a new file.
func (j *journal) full() bool { return j.current != nil && j.pos >= j.fileSize }

// fresh reports whether the current file has no group yet.
func (j *journal) fresh() bool { return j.current != nil && j.pos == journalHeader }

// rotate begins a new file: a spare one, or a new one if there is none. Its header
// is written here and becomes durable with the sync of its first group.
func (j *journal) rotate() error {
	var f *journalFile
	if n := len(j.spare); n > 0 {
		f, j.spare = j.spare[n-1], j.spare[:n-1]
	} else {
		name := filepath.Join(j.dir, fmt.Sprintf("%d.journal", j.nextID))
		file, err := j.fs.OpenFile(name, os.O_RDWR|os.O_CREATE)
		if err != nil {
			return fmt.Errorf("create journal: %w", err)
		}
		f = &journalFile{File: file, name: name}
		if err := j.fs.SyncDir(j.dir); err != nil {
			file.Close()
			return failedSync("journal directory", err)
		}
		j.nextID++
	}
	if err := f.clearFirstGroup(); err != nil {
		j.spare = append(j.spare, f)
		return err
	}
	h := journalFileHeader(j.seq + 1)
	if _, err := f.WriteAt(h, 0); err != nil {
		j.spare = append(j.spare, f)
		return fmt.Errorf("write journal header: %w", err)
	}
	f.size, f.dirty = max(f.size, journalHeader), false
	if j.current != nil {
		j.busy = append(j.busy, j.current)
	}
	j.seq++
	f.seq = j.seq
	j.current, j.pos = f, journalHeader
	j.chain = crc32.Checksum(h, castagnoli)
	return nil
}

// free makes the files with sequences below before available for recycling.
func (j *journal) free(before uint64) {
	busy := j.busy[:0]
	for _, f := range j.busy {
		if f.seq < before {
			j.spare = append(j.spare, f)
		} else {
			busy = append(busy, f)
		}
	}
	j.busy = busy
	for len(j.spare) > 3 { // after a burst
		f := j.spare[0]
		j.spare = j.spare[1:]
		f.Close()
		_ = j.fs.Remove(f.name) // the next opening takes it as a spare file
	}
}

func (j *journal) close() {
	if j.current != nil {
		j.current.Close()
	}
	for _, f := range append(j.busy, j.spare...) {
		f.Close()
	}
}
