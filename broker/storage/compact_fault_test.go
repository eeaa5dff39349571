package storage

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	faultRecords = 40
	faultKeys    = 6
)

// interruptedCompaction has 40 records in 8 segments, of which a compaction
// merges 7 when the journal's sync fails: nobody knows whether the journal has
// the replacement.
func interruptedCompaction(t *testing.T, seed uint64) (f *faultFS, id uint64) {
	t.Helper()
	f = newFaultFS(seed)
	s, err := Open("d", Options{FS: f})
	require.NoError(t, err)
	l := createLog(t, s, "c")
	size := int64(len(faultBatch(t, 0)))
	l.Configure(LogConfig{SegmentBytes: 5 * size, SegmentAge: 1 << 40})
	for i := range faultRecords {
		require.NoError(t, appendTo(t, s, l, faultBatch(t, i)).Err)
	}
	require.Len(t, l.segments, 8)
	require.NoError(t, s.Checkpoint(t.Context()))
	l.Configure(LogConfig{SegmentBytes: 100 * size, SegmentAge: 1 << 40})
	f.configure(func() { f.failSync = func(name string) bool { return strings.HasSuffix(name, ".journal") } })
	for range 2 { // the cleaner tries again: that must not tidy up
		_, err = s.Compact(t.Context(), l, CompactOptions{Now: 10_000})
		require.ErrorIs(t, err, ErrFailed)
	}
	require.ErrorIs(t, s.Close(), ErrFailed)
	f.configure(func() { f.failSync = nil })
	return f, l.ID()
}

func faultBatch(t *testing.T, i int) []byte {
	t.Helper()
	return recordBatch(t, 0, 0, -1, -1, 100, kv{fmt.Sprint("key-", i%faultKeys), fmt.Sprintf("%04d", i)})
}

// requireLastOfEachKey reads the log from its start.
func requireLastOfEachKey(t *testing.T, l *Log) {
	t.Helper()
	last := map[string]string{}
	for _, line := range contents(t, l) {
		_, record, _ := strings.Cut(line, " ")
		key, value, _ := strings.Cut(record, "=")
		last[key] = value
	}
	want := map[string]string{}
	for i := range faultRecords {
		want[fmt.Sprint("key-", i%faultKeys)] = fmt.Sprintf("%04d", i)
	}
	require.Equal(t, want, last)
}

func TestCompaction_JournalSyncFails_EveryKeyReadsAfterRestart(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("restart ", seed), func(t *testing.T) { restartAfterInterruption(t, seed, false) })
		t.Run(fmt.Sprint("power loss ", seed), func(t *testing.T) { restartAfterInterruption(t, seed, true) })
	}
}

func restartAfterInterruption(t *testing.T, seed uint64, power bool) {
	t.Helper()
	f, id := interruptedCompaction(t, seed)
	if power {
		f = f.crash()
	}
	for range 3 { // what the first opening did must hold when the power goes again
		s, err := Open("d", Options{FS: f})
		require.NoError(t, err)
		requireLastOfEachKey(t, s.Log(id))
		crash(s)
		f = f.crash()
	}
	s, err := Open("d", Options{FS: f})
	require.NoError(t, err)
	_, err = s.Compact(t.Context(), s.Log(id), CompactOptions{Now: 10_000})
	require.NoError(t, err)
	requireLastOfEachKey(t, s.Log(id))
	require.NoError(t, s.Close())
	require.Empty(t, unfinished(f), "nothing is left over")
}

// unfinished returns the files that compaction writes under names of its own.
func unfinished(f *faultFS) (out []string) {
	for name := range f.names {
		if strings.Contains(name, ".log.") {
			out = append(out, name)
		}
	}
	return out
}

// Were the new segment gone, the old ones would be all there is.
func TestRecovery_CompactedSegmentIsMissingOrShort_RefusedAndNothingRemoved(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(f *faultFS, name string){
		"missing": func(f *faultFS, name string) { delete(f.names, name) },
		"short":   func(f *faultFS, name string) { f.names[name].truncate(100) },
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := interruptedCompaction(t, 1)
			left := unfinished(f)
			require.Len(t, left, 1)
			damage(f, left[0])
			var logs []string // the segments before
			for name := range f.names {
				if strings.HasSuffix(name, ".log") {
					logs = append(logs, name)
				}
			}
			_, err := Open("d", Options{FS: f})
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, "compacted segment")
			for _, name := range logs {
				require.Contains(t, f.names, name, "no segment was removed")
			}
		})
	}
}

// A compaction whose own files cannot be synced is a disk that failed.
func TestCompaction_NewSegmentSyncFails_StoreRefusesWrites(t *testing.T) {
	t.Parallel()
	f := newFaultFS(1)
	s, err := Open("d", Options{FS: f})
	require.NoError(t, err)
	l := compactedLog(t, s, faultBatch(t, 0), faultBatch(t, faultKeys), faultBatch(t, 1))
	require.NoError(t, s.Checkpoint(t.Context()))
	f.configure(func() { f.failSync = func(name string) bool { return strings.Contains(name, ".log.") } })
	_, err = s.Compact(t.Context(), l, CompactOptions{Now: 10_000})
	require.ErrorIs(t, err, ErrFailed)
	require.Len(t, contents(t, l), 3)
	require.ErrorIs(t, s.Close(), ErrFailed)
}

// compactInRead makes the first read of the log's first segment compact the log.
func compactInRead(t *testing.T, f *faultFS, s *Store, l *Log) (done func() bool) {
	t.Helper()
	ran := false
	first := l.segments[0].path + ".log"
	f.configure(func() {
		f.onRead = func(name string) {
			if name != first || ran {
				return
			}
			ran = true
			st, err := s.Compact(context.Background(), l, CompactOptions{Now: 10_000})
			require.NoError(t, err)
			require.Less(t, st.BytesLeft, st.Bytes)
		}
	})
	return func() bool { return ran }
}

func TestSearch_CompactionReplacesASegment_FindsTheRecordInTheNewOne(t *testing.T) {
	t.Parallel()
	f := newFaultFS(1)
	s, err := Open("d", Options{FS: f})
	require.NoError(t, err)
	at := func(ms int64, k, v string) []byte { return recordBatch(t, 0, 0, -1, -1, ms, kv{k, v}) }
	big := strings.Repeat("x", 300)
	l := createLog(t, s, "c")
	l.Configure(LogConfig{SegmentBytes: 500, SegmentAge: 1 << 40})
	for _, b := range [][]byte{
		// The first segment has the time, in a record that was deleted. It is
		// too large to be merged.
		at(300, "first", "x"), at(100, "second", big),
		at(200, "k", big), at(300, "wanted", "w"), // the search is for this
		at(400, "k", big), at(500, "z", big),
	} {
		require.NoError(t, appendTo(t, s, l, b).Err)
	}
	require.Equal(t, []int64{0, 2, 4, 5}, bases(l))
	var c Commit
	c.SetStart(l, 1)
	require.NoError(t, s.Do(&c))
	require.NoError(t, s.Checkpoint(t.Context()))
	ran := compactInRead(t, f, s, l)
	found, ok, err := l.Search(250, 1<<40)
	require.NoError(t, err)
	require.True(t, ran())
	require.True(t, ok)
	require.Equal(t, BatchAt{Base: 3, MaxTime: 300}, found)
	require.NoError(t, s.Close())
}

func bases(l *Log) (out []int64) {
	for _, g := range l.segments {
		out = append(out, g.base)
	}
	return out
}

func TestRead_ClosedStore_SaysSo(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), Options{})
	l := createLog(t, s, "l")
	appendTo(t, s, l, testBatch(1, -1, 0, -1, 0, 10))
	require.NoError(t, s.Close())
	_, err := l.Read(nil, 0, 10, 10)
	require.ErrorIs(t, err, ErrClosed)
	_, _, err = l.Search(0, 10)
	require.ErrorIs(t, err, ErrClosed)
}
