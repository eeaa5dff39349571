package storage

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
)

// This file opens the journal of an earlier process: it replays the groups, and
// prepares the files for being written again.

// openJournal opens the journal's files. It calls replay, in order, with the payload
// of each group after lastGroup, beginning in the file with the sequence firstSeq. It
// ends at the first group that is not complete.
func openJournal(fs FS, dir string, fileSize int64, firstSeq, lastGroup uint64, replay func(payload []byte) error) (_ *journal, err error) {
	j := &journal{fs: fs, dir: dir, fileSize: fileSize, seq: firstSeq - 1, group: lastGroup, grow: min(minGrow, fileSize)}
	var live []*journalFile // to replay; those that are in neither busy nor spare yet
	defer func() {
		if err != nil {
			j.spare = append(j.spare, live...)
			j.close()
		}
	}()
	names, err := fs.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read journal directory: %w", err)
	}
	for _, name := range names {
		id, err := strconv.Atoi(strings.TrimSuffix(name, ".journal"))
		if err != nil {
			continue
		}
		j.nextID = max(j.nextID, id+1)
		f, err := openJournalFile(fs, filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		if f.seq >= firstSeq {
			live = append(live, f)
		} else {
			j.spare = append(j.spare, f)
		}
	}
	sort.Slice(live, func(a, b int) bool { return live[a].seq < live[b].seq })
	ended := false
	for len(live) > 0 {
		f := live[0]
		if ended || f.seq != j.seq+1 {
			// The file before it is missing or ended early, so that nothing in
			// this one was acknowledged under FlushAlways.
			ended = true
			j.spare, live = append(j.spare, f), live[1:]
			continue
		}
		if err := j.replayFile(f, replay); err != nil {
			return nil, err
		}
		j.busy, live = append(j.busy, f), live[1:]
		j.seq = f.seq
	}
	return j, nil
}

func openJournalFile(fs FS, name string) (*journalFile, error) {
	file, err := fs.OpenFile(name, os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	f := &journalFile{File: file, name: name, found: true}
	if f.size, err = file.Size(); err != nil {
		file.Close()
		return nil, fmt.Errorf("open journal %s: %w", name, err)
	}
	var h [journalHeader]byte
	if f.size < journalHeader {
		return f, nil
	}
	if _, err := file.ReadAt(h[:], 0); err != nil {
		file.Close()
		return nil, fmt.Errorf("read journal %s: %w", name, err)
	}
	if string(h[:8]) == journalMagic && crc32.Checksum(h[:16], castagnoli) == binary.BigEndian.Uint32(h[16:]) {
		f.seq = binary.BigEndian.Uint64(h[8:])
	}
	return f, nil
}

// replayFile calls replay with the complete groups of one file and sets f.end and
// j.group to the last.
func (j *journal) replayFile(f *journalFile, replay func([]byte) error) error {
	h := journalFileHeader(f.seq)
	chain := crc32.Checksum(h, castagnoli)
	pos := int64(journalHeader)
	f.end = pos
	r := &windowReader{f: f.File, size: f.size}
	for {
		head, err := r.at(pos, groupHeader)
		if err != nil {
			return fmt.Errorf("read journal %s at %d: %w", f.name, pos, err)
		}
		if head == nil {
			return nil
		}
		n := int64(binary.BigEndian.Uint32(head[4:]))
		number := binary.BigEndian.Uint64(head[8:])
		if n == 0 || n > maxGroup || number != j.group+1 {
			return nil
		}
		whole, err := r.at(pos, groupHeader+int(n))
		if err != nil {
			return fmt.Errorf("read journal %s at %d: %w", f.name, pos, err)
		}
		if whole == nil {
			return nil
		}
		sum := crc32.Update(chain, castagnoli, whole[4:])
		if sum != binary.BigEndian.Uint32(whole) {
			return nil
		}
		if err := replay(whole[groupHeader:]); err != nil {
			return fmt.Errorf("replay journal %s, group %d at %d: %w", f.name, number, pos, err)
		}
		chain, j.group = sum, number
		pos += groupHeader + n
		f.end = pos
	}
}

// rewriteReplayed makes the replayed groups durable before anything depends on them. A
// process that was killed may have left groups only in the page cache; one whose
// sync failed may have left them there marked clean, so that no sync would write
// them. So they are written again, and synced.
func (j *journal) rewriteReplayed() error {
	for _, f := range j.busy {
		r := &windowReader{f: f.File, size: f.end}
		for pos := int64(0); pos < f.end; {
			p, err := r.at(pos, int(min(f.end-pos, 1<<20)))
			if err != nil {
				return fmt.Errorf("read journal %s at %d: %w", f.name, pos, err)
			}
			if _, err := f.WriteAt(p, pos); err != nil {
				return fmt.Errorf("write journal %s at %d: %w", f.name, pos, err)
			}
			pos += int64(len(p))
		}
		f.dirty = true
	}
	if err := j.invalidateBeyondEnd(); err != nil {
		return err
	}
	return j.sync()
}

// invalidateBeyondEnd overwrites the headers of files beyond the end of the replay.
// Under a lazy flush policy a file may be durable although the one before it is not: the missing
// sequence is assigned again, and must not be followed by a file of another time.
func (j *journal) invalidateBeyondEnd() error {
	for _, f := range j.spare {
		if f.seq <= j.seq {
			continue
		}
		if _, err := f.WriteAt(make([]byte, journalHeader), 0); err != nil {
			return fmt.Errorf("write journal %s: %w", f.name, err)
		}
		if err := f.Datasync(); err != nil {
			return failedSync("journal", err)
		}
		f.seq = 0
	}
	return nil
}

// windowReader reads a file forward through one buffer.
type windowReader struct {
	f    File
	size int64
	off  int64
	buf  []byte
}

// at returns n bytes at pos, valid until the next call, or nil past the end.
func (r *windowReader) at(pos int64, n int) ([]byte, error) {
	if pos < 0 || pos+int64(n) > r.size {
		return nil, nil
	}
	if pos < r.off || pos+int64(n) > r.off+int64(len(r.buf)) {
		want := min(int64(max(n, 1<<20)), r.size-pos)
		if int64(cap(r.buf)) < want {
			r.buf = make([]byte, want)
		}
		r.buf = r.buf[:want]
		r.off = pos
		if m, err := r.f.ReadAt(r.buf, pos); err != nil && m < n {
			r.buf = r.buf[:0]
			return nil, err
		}
	}
	i := pos - r.off
	return r.buf[i : i+int64(n)], nil
}

// clearFirstGroup prepares a file of an earlier process for recycling. That process may
// have used it under the same sequence that it gets now, and recovery may not have found
// its groups because the header was lost: under the new, identical header they
// would be valid again. So the first group's header is overwritten with zeros, and
// that is synced, before the file's header is written.
//
// The groups behind need not be cleared: their CRCs continue that of the old first
// group, and a new one is never byte for byte the same, because the first group of an
// opening has its leader epoch.
func (f *journalFile) clearFirstGroup() error {
	if !f.found {
		return nil
	}
	if _, err := f.WriteAt(make([]byte, groupHeader), journalHeader); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := f.Datasync(); err != nil {
		return failedSync("journal", err)
	}
	f.size, f.found = max(f.size, journalHeader+groupHeader), false
	return nil
}
