package storage

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRetention_ByTimeAndSize_OldSegmentsOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := openStore(t, dir, Options{})
	l := createLog(t, s, "r")
	l.Configure(LogConfig{SegmentBytes: 100, SegmentAge: 1 << 40})
	for _, b := range [][]byte{
		recordBatch(t, 0, 0, -1, -1, 100, kv{"a", "1"}),
		recordBatch(t, 0, 0, -1, -1, 200, kv{"a", "2"}),
		recordBatch(t, 0, 0, -1, -1, 300, kv{"a", "3"}),
	} {
		require.NoError(t, appendTo(t, s, l, b).Err)
	}
	apply := func(r Retention) bool {
		start, found := l.Expired(r)
		var c Commit
		c.SetStart(l, start)
		require.NoError(t, s.Do(&c))
		return found
	}
	size := l.Size()
	require.False(t, apply(Retention{Bytes: -1, Millis: 100, Now: 200}))
	require.True(t, apply(Retention{Bytes: -1, Millis: 100, Now: 201}))
	require.Equal(t, []string{"1 a=2", "2 a=3"}, contents(t, l))
	require.Equal(t, size*2/3, l.Size())
	require.True(t, apply(Retention{Bytes: size / 3, Millis: -1, Now: 0}))
	require.Equal(t, []string{"2 a=3"}, contents(t, l))
	require.True(t, apply(Retention{Bytes: -1, Millis: 100, Now: 1000}))
	require.Equal(t, Bounds{3, 3, 3}, l.Bounds(), "the last segment goes too when it is old")
	appendTo(t, s, l, recordBatch(t, 0, 0, -1, -1, 1000, kv{"a", "4"}))
	apply(Retention{Bytes: -1, Millis: 100, Now: 1000})
	require.Equal(t, size/3, l.Size())
	crash(s)
	s = openStore(t, dir, Options{})
	require.Equal(t, []string{"3 a=4"}, contents(t, s.Log(l.ID())))
}

func TestRetention_RecordFromTheFuture_ExpiresAfterItWasMet(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), Options{})
	l := lagLog(t, s, 1<<50)
	r := Retention{Bytes: -1, Millis: 1000}
	for _, tt := range []struct{ now, start int64 }{{5000, 0}, {6000, 0}, {6001, 3}} {
		r.Now = tt.now
		start, _ := l.Expired(r)
		require.Equal(t, tt.start, start, "at %d", tt.now)
	}
}

// The active segment is young as long as it is written.
func TestRetention_RecordFromTheFutureInTheActiveSegment_Stays(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), Options{})
	l := createLog(t, s, "c")
	require.NoError(t, appendTo(t, s, l, recordBatch(t, 0, 0, -1, -1, 1<<50, kv{"a", "1"})).Err)
	for _, now := range []int64{5000, 10_000} {
		start, _ := l.Expired(Retention{Bytes: -1, Millis: 1000, Now: now})
		require.Zero(t, start)
	}
}

// Kafka's rule: a segment is removed only if at least Bytes are left without it.
func TestRetention_LessThanASegmentTooLarge_NoneExpires(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), Options{})
	l := createLog(t, s, "r")
	l.Configure(LogConfig{SegmentBytes: 100, SegmentAge: 1 << 40})
	for i := range 3 {
		require.NoError(t, appendTo(t, s, l, recordBatch(t, 0, 0, -1, -1, 100, kv{"a", string(rune('1' + i))})).Err)
	}
	first := l.Size() / 3 // the segments are of one size
	for bytes, want := range map[int64]int64{l.Size() - 1: 0, l.Size() - first + 1: 0, l.Size() - first: 1} {
		start, _ := l.Expired(Retention{Bytes: bytes, Millis: -1, Now: 200})
		require.Equal(t, want, start, "limit of %d bytes", bytes)
	}
}
