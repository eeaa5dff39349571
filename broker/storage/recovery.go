package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Recovery loads the checkpoint and replays the journal. During the replay it
// writes batches to their positions, but renames and removes no file: the last
// groups may be only in the page cache, left by a process that was killed or whose
// sync failed, and a power loss would undo them but not the removal of a file. So
// renames and removals are collected, and done when the journal is known to be
// durable (journal.rewriteReplayed).

// aftermath has the renames and removals of the replayed operations.
type aftermath struct {
	replaced []replaced
	removed  []string // files
}

// replaced is a replacement whose new segment has to be renamed.
type replaced struct {
	log    *Log
	seg    *segment
	suffix uint64
}

func (a *aftermath) remove(segments ...*segment) {
	for _, g := range segments {
		g.close()
		a.removed = append(a.removed, g.path+".log", g.path+".index")
	}
}

func (a *aftermath) replace(l *Log, r *replacement) {
	if r.final {
		l.applyFinal(r)
		return
	}
	old, applied := l.applyReplace(r)
	if !applied {
		a.removed = append(a.removed, suffixed(r.with.path, "log", r.suffix), suffixed(r.with.path, "index", r.suffix))
		return
	}
	a.replaced = append(a.replaced, replaced{l, r.with, r.suffix})
	a.remove(old[1:]...)
}

// do renames in the journal's order, checks that every new segment that is still
// part of a log exists, and only then removes files.
func (a *aftermath) do(s *Store) error {
	for _, r := range a.replaced {
		if err := r.seg.takeName(r.suffix); err != nil {
			return err
		}
	}
	for _, r := range a.replaced {
		if s.logs[r.log.id] != r.log || !slices.Contains(r.log.segments, r.seg) {
			continue // dropped, expired or compacted again
		}
		if err := r.seg.checkSize(); err != nil {
			return err
		}
	}
	for _, name := range a.removed {
		if err := s.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove segment: %w", err)
		}
	}
	return nil
}

// recover loads the last checkpoint, replays the journal after it, and removes the
// files that neither names.
func (s *Store) recover() error {
	began := s.opt.Now()
	cp, err := s.loadCheckpoint()
	if err != nil {
		return err
	}
	if err := s.syncNames(cp.seq == 0); err != nil {
		return err
	}
	if cp.seq == 0 {
		if err := s.firstCheckpoint(); err != nil {
			return err
		}
		cp.seq = 1
	}
	groups := 0
	var after aftermath
	s.committer.journal, err = openJournal(s.fs, s.journalDir(), s.opt.JournalBytes, cp.seq, cp.group, func(payload []byte) error {
		groups++
		return s.replay(payload, &after)
	})
	if err != nil {
		return err
	}
	if err := s.committer.journal.rewriteReplayed(); err != nil {
		return err
	}
	if err := after.do(s); err != nil {
		return err
	}
	for _, l := range s.logs {
		l.restage()
	}
	if err := s.removeOrphans(); err != nil {
		return err
	}
	s.committer.dueCheckpoint = groups > 0
	s.log.Info("log opened", "dir", s.dir, "logs", len(s.logs), "groups_replayed", groups, "took", s.opt.Now().Sub(began))
	return nil
}

// firstCheckpoint writes the checkpoint of an empty store before anything else is
// written. So a directory without a checkpoint is new, or has lost it: to take one
// that holds logs for new would remove them. Earlier releases wrote none until
// their first journal file was full; such a directory has that file.
func (s *Store) firstCheckpoint() error {
	logs, err := s.fs.ReadDir(s.logsDir())
	if err != nil {
		return fmt.Errorf("read logs directory: %w", err)
	}
	journals, err := s.fs.ReadDir(s.journalDir())
	if err != nil {
		return fmt.Errorf("read journal directory: %w", err)
	}
	used := len(logs) > 0
	for _, name := range journals {
		f, err := openJournalFile(s.fs, filepath.Join(s.journalDir(), name))
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		if f.seq == 1 {
			return nil
		}
		used = used || f.seq > 1
	}
	if used {
		return fmt.Errorf("%w: %s is missing, but there are logs or journal files that belong to one", ErrCorrupt, s.checkpointPath())
	}
	return s.writeCheckpoint(s.encodeCheckpoint(checkpointHead{seq: 1}), nil, nil)
}

// syncNames syncs the directories of the checkpoint and of the journal: a process
// that was killed may have renamed or created files and not synced that. The
// checkpoint's name must be durable before journal files that it made obsolete are
// recycled.
func (s *Store) syncNames(fresh bool) error {
	dirs := []string{s.dir, s.journalDir()}
	if fresh { // the data directory itself may be new
		dirs = append([]string{filepath.Dir(s.dir)}, dirs...)
	}
	for _, d := range dirs {
		if err := s.fs.SyncDir(d); err != nil {
			return fmt.Errorf("sync directory %s: %w", d, err)
		}
	}
	return nil
}

// removeOrphans removes directories that no log owns: those of logs whose deletion
// was committed before a crash, and of logs whose creation was not. In the others it
// removes the segments that no log has: those whose removal was committed, and those
// whose first append was not.
func (s *Store) removeOrphans() error {
	names, err := s.fs.ReadDir(s.logsDir())
	if err != nil {
		return fmt.Errorf("read logs directory: %w", err)
	}
	owned := map[string]bool{}
	for _, l := range s.logs {
		owned[l.name] = true
	}
	for _, name := range names {
		if !owned[name] {
			if err := s.fs.RemoveAll(filepath.Join(s.logsDir(), name)); err != nil {
				return fmt.Errorf("remove deleted log: %w", err)
			}
		}
	}
	for _, l := range s.logs {
		if err := l.removeOrphans(); err != nil {
			return err
		}
	}
	return nil
}

// removeOrphans removes the files of segments that are not the log's. Unfinished
// compactions have other names: see removeUnfinished.
func (l *Log) removeOrphans() error {
	names, err := l.fs.ReadDir(l.dir)
	if err != nil {
		return fmt.Errorf("read log directory: %w", err)
	}
	owned := map[string]bool{}
	for _, g := range l.segments {
		owned[filepath.Base(g.path)] = true
	}
	for _, name := range names {
		ext := filepath.Ext(name)
		if (ext != ".log" && ext != ".index") || owned[strings.TrimSuffix(name, ext)] {
			continue
		}
		if err := l.fs.Remove(filepath.Join(l.dir, name)); err != nil {
			return fmt.Errorf("remove deleted segment: %w", err)
		}
	}
	return nil
}
