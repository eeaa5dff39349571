package storage

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type kv struct{ k, v string }

const nothing = "\x00"

// recordBatch makes a batch of keyed records; the value nothing is a tombstone.
func recordBatch(t *testing.T, codec, flags int16, pid int64, seq int32, at int64, kvs ...kv) []byte {
	t.Helper()
	var plain []byte
	for i, e := range kvs {
		r := Record{Offset: int64(i), Timestamp: at, Key: []byte(e.k), Value: []byte(e.v), rest: []byte{0}}
		if e.v == nothing {
			r.Value = nil
		}
		plain = r.append(plain, 0, at)
	}
	packed, err := deflate(plain, codec, DefaultLevel)
	require.NoError(t, err)
	b := testBatch(len(kvs), pid, 0, seq, flags|codec, len(packed))
	copy(b[batchHeader:], packed)
	binary.BigEndian.PutUint64(b[27:], uint64(at))
	binary.BigEndian.PutUint64(b[35:], uint64(at))
	binary.BigEndian.PutUint32(b[17:], Batch(b).computeCRC())
	return b
}

// contents returns "offset key=value" of every record, markers as "offset M".
func contents(t *testing.T, l *Log) (out []string) {
	t.Helper()
	for off := l.Start(); off < l.End(); {
		p, err := l.Read(nil, off, l.End(), 1<<20)
		require.NoError(t, err)
		if len(p) == 0 {
			return out
		}
		for ; len(p) > 0; p = p[Batch(p).size():] {
			b := Batch(p)
			require.NoError(t, checkStored(b))
			off = b.last() + 1
			if b.control() {
				out = append(out, fmt.Sprintf("%d M", b.base()))
				continue
			}
			require.NoError(t, b.Each(func(r *Record) bool {
				v := string(r.Value)
				if r.Value == nil {
					v = "-"
				}
				out = append(out, fmt.Sprintf("%d %s=%s", r.Offset, r.Key, v))
				return true
			}))
		}
	}
	return out
}

// compactedLog makes a log of small segments with the batches in it.
func compactedLog(t *testing.T, s *Store, batches ...[]byte) *Log {
	t.Helper()
	l := createLog(t, s, "c")
	l.Configure(LogConfig{SegmentBytes: 150, SegmentAge: 1 << 40})
	for _, b := range batches {
		require.NoError(t, appendTo(t, s, l, b).Err)
	}
	return l
}

func TestCompaction_ManyKeys_LastOfEachKept(t *testing.T) {
	t.Parallel()
	for codec, name := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := openStore(t, dir, Options{})
			l := compactedLog(t, s,
				recordBatch(t, int16(codec), 0, -1, -1, 100, kv{"a", "1"}, kv{"b", "1"}, kv{"c", "1"}),
				recordBatch(t, int16(codec), 0, -1, -1, 101, kv{"a", "2"}, kv{"b", nothing}),
				recordBatch(t, int16(codec), 0, -1, -1, 102, kv{"a", "3"}),
				recordBatch(t, int16(codec), 0, -1, -1, 103, kv{"d", "1"}),
			)
			st, err := s.Compact(t.Context(), l, CompactOptions{Now: 1000, DeleteRetention: 500})
			require.NoError(t, err)
			require.Less(t, st.BytesLeft, st.Bytes)
			want := []string{"2 c=1", "4 b=-", "5 a=3", "6 d=1"}
			require.Equal(t, want, contents(t, l))

			// The tombstone stays for its time, then goes.
			_, err = s.Compact(t.Context(), l, CompactOptions{Now: 1499, DeleteRetention: 500})
			require.NoError(t, err)
			require.Equal(t, want, contents(t, l))
			crash(s)
			s = openStore(t, dir, Options{})
			l = s.Log(l.ID())
			require.Equal(t, want, contents(t, l))
			_, err = s.Compact(t.Context(), l, CompactOptions{Now: 1500, DeleteRetention: 500})
			require.NoError(t, err)
			want = []string{"2 c=1", "5 a=3", "6 d=1"}
			require.Equal(t, want, contents(t, l))
			require.NoError(t, s.Close())
			s = openStore(t, dir, Options{})
			require.Equal(t, want, contents(t, s.Log(l.ID())))
			at, found, err := s.Log(l.ID()).Search(102, noHorizon)
			require.NoError(t, err)
			require.True(t, found)
			require.Equal(t, int64(5), at.Base)
		})
	}
}

func TestCompaction_AbortedRecords_DroppedThenTheirMarkers(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), Options{})
	l := createLog(t, s, "c")
	l.Configure(LogConfig{SegmentBytes: 150, SegmentAge: 1 << 40})
	txn := func(seq int32, v string, commit bool) {
		require.NoError(t, appendTo(t, s, l, recordBatch(t, 0, attrTransactional, 9, seq, 100, kv{"a", v})).Err)
		var c Commit
		r := c.Mark(l, 9, 0, commit, 100)
		require.NoError(t, s.Do(&c))
		require.NoError(t, r.Err)
	}
	txn(0, "good", true)
	txn(1, "bad", false)
	require.Equal(t, []AbortedTxn{{ProducerID: 9, First: 2, Last: 3}}, l.Aborted(0, 10))
	appendTo(t, s, l, recordBatch(t, 0, 0, -1, -1, 100, kv{"z", "1"}))
	appendTo(t, s, l, recordBatch(t, 0, 0, -1, -1, 100, kv{"z", "2"}))
	_, err := s.Compact(t.Context(), l, CompactOptions{Now: 1000, DeleteRetention: 500})
	require.NoError(t, err)
	require.Equal(t, []string{"0 a=good", "1 M", "3 M", "4 z=1", "5 z=2"}, contents(t, l))
	_, err = s.Compact(t.Context(), l, CompactOptions{Now: 1600, DeleteRetention: 500})
	require.NoError(t, err)
	require.Equal(t, []string{"0 a=good", "4 z=1", "5 z=2"}, contents(t, l))
	require.Empty(t, l.Aborted(0, 10), "no reader is told to skip what is gone")
}

// A kill between the commit of a new start and the removal of the segments before it
// leaves their files, of which nothing in the checkpoint or journal tells any more.
func TestRecovery_SegmentRemovedFromTheLog_FilesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	l := lagLog(t, s, 100)
	first := l.segments[0].path
	kept := map[string][]byte{}
	for _, ext := range []string{".log", ".index"} {
		b, err := os.ReadFile(first + ext)
		require.NoError(t, err)
		kept[first+ext] = b
	}
	want := contents(t, l)[1:]
	var c Commit
	c.SetStart(l, 1)
	require.NoError(t, s.Do(&c))
	require.NoError(t, s.Close()) // with a checkpoint
	for name, b := range kept {
		require.NoFileExists(t, name)
		require.NoError(t, os.WriteFile(name, b, 0o600))
	}
	s = openStore(t, dir, Options{})
	for name := range kept {
		require.NoFileExists(t, name)
	}
	require.Equal(t, want, contents(t, s.Log(l.ID())))
}

// lagLog has three segments of one record, the first with the time given.
func lagLog(t *testing.T, s *Store, future int64) *Log {
	t.Helper()
	l := createLog(t, s, "c")
	l.Configure(LogConfig{SegmentBytes: 100, SegmentAge: 1 << 60})
	for _, b := range [][]byte{
		recordBatch(t, 0, 0, -1, -1, future, kv{"a", "1"}),
		recordBatch(t, 0, 0, -1, -1, 100, kv{"a", "2"}),
		recordBatch(t, 0, 0, -1, -1, 100, kv{"b", "1"}),
	} {
		require.NoError(t, appendTo(t, s, l, b).Err)
	}
	require.Len(t, l.segments, 3)
	return l
}

func TestCompaction_RecordFromTheFuture_DoesNotStopIt(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), Options{})
	l := lagLog(t, s, 1<<50)
	_, err := s.Compact(t.Context(), l, CompactOptions{Now: 200})
	require.NoError(t, err)
	require.Equal(t, []string{"1 a=2", "2 b=1"}, contents(t, l))
}

func TestCompaction_MinLag_YoungRecordsAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stamp int64
		first int64 // pass that must leave all of it
		due   int64 // pass that may compact
	}{
		"past":    {stamp: 150, first: 1149, due: 1150},
		"future":  {stamp: 1 << 50, first: 5000, due: 6000}, // as old as the pass that met it
		"ageless": {stamp: 99, first: 1098, due: 1100},      // the segment's neighbour is younger
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t, t.TempDir(), Options{})
			l := lagLog(t, s, tt.stamp)
			for _, now := range []int64{tt.first, tt.due - 1} {
				_, err := s.Compact(t.Context(), l, CompactOptions{Now: now, MinLag: 1000})
				require.NoError(t, err)
				require.Equal(t, []string{"0 a=1", "1 a=2", "2 b=1"}, contents(t, l), "at %d", now)
			}
			_, err := s.Compact(t.Context(), l, CompactOptions{Now: tt.due, MinLag: 1000})
			require.NoError(t, err)
			require.Equal(t, []string{"1 a=2", "2 b=1"}, contents(t, l))
		})
	}
}

func TestSegmentAge_RecordsFromTheFuture_RollByTheClock(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1000)
	s := openStore(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	l := createLog(t, s, "c")
	l.Configure(LogConfig{SegmentBytes: 1 << 20, SegmentAge: 500})
	for _, tt := range []struct {
		now, stamp int64
		segments   int
	}{
		{1000, 1 << 50, 1}, // ahead by years: it does not keep the segment open
		{1500, 1 << 51, 1}, // nor does each begin one of its own
		{1501, 1501, 2},
		{2001, 1 << 50, 2},
		{2002, 1 << 50, 3},
	} {
		now = time.UnixMilli(tt.now)
		require.NoError(t, appendTo(t, s, l, recordBatch(t, 0, 0, -1, -1, tt.stamp, kv{"a", "1"})).Err)
		require.Len(t, l.segments, tt.segments, "at %d", tt.now)
	}
}

// A segment with more keys than a pass notes is compacted in several.
func TestCompaction_MoreKeysThanAPassNotes_GoesOnWithinTheSegment(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), Options{})
	l := createLog(t, s, "c")
	var want []string
	for round := range 2 {
		for i := range 10 {
			k := kv{fmt.Sprint("k", i), fmt.Sprint("v", round)}
			if i == 9 {
				k.v = nothing // a tombstone stays for its time
			}
			require.NoError(t, appendTo(t, s, l, recordBatch(t, 0, 0, -1, -1, 100, k)).Err)
			if off := 10*round + i; round == 1 {
				want = append(want, strings.ReplaceAll(fmt.Sprintf("%d %s=%s", off, k.k, k.v), nothing, "-"))
			}
		}
	}
	l.Configure(LogConfig{SegmentBytes: 100, SegmentAge: 1 << 60})
	require.NoError(t, appendTo(t, s, l, recordBatch(t, 0, 0, -1, -1, 100, kv{"z", "1"})).Err)
	require.Len(t, l.segments, 2, "all keys are in one segment")
	for cleaned, passes := int64(0), 1; l.cleaned < 20; passes++ {
		st, err := s.Compact(t.Context(), l, CompactOptions{Now: 1000, DeleteRetention: 500, MaxKeys: 4})
		require.NoError(t, err)
		require.LessOrEqual(t, st.Keys, 4)
		require.Greater(t, l.cleaned, cleaned)
		cleaned = l.cleaned
		last := map[string]string{}
		for _, line := range contents(t, l) {
			last[strings.Fields(line)[1]] = line
		}
		for _, line := range want {
			require.Contains(t, contents(t, l), line, "after %d passes", passes)
		}
	}
	require.Equal(t, append(want, "20 z=1"), contents(t, l))
}
