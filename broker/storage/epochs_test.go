package storage

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// at returns options with a clock that stands still at an epoch.
func at(epoch int32) Options {
	return Options{Now: func() time.Time { return time.Unix(epochZero+int64(epoch), 0) }}
}

// lives opens a store at each of the epochs, appends n batches of one record
// and ends, in every other life as a killed process does. It returns the last
// life's store.
func lives(t *testing.T, dir string, n int, epochs ...int32) (*Store, *Log) {
	t.Helper()
	var s *Store
	var l *Log
	for i, epoch := range epochs {
		if i > 0 {
			if i%2 == 0 {
				require.NoError(t, s.Close())
			} else {
				crash(s)
			}
		}
		s = openStore(t, dir, at(epoch))
		require.Equal(t, epoch, s.Epoch())
		if l = s.Log(1); l == nil {
			l = createLog(t, s, "l")
		}
		for range n {
			appendTo(t, s, l, testBatch(1, -1, 0, 0, 0, 10))
		}
	}
	return s, l
}

func TestEpoch_EachOpening_EndsWhereTheNextBegins(t *testing.T) {
	t.Parallel()
	s, l := lives(t, t.TempDir(), 3, 100, 200, 300, 400)
	for _, c := range []struct {
		asked, epoch int32
		end          int64
	}{
		{100, 100, 3}, {200, 200, 6}, {300, 300, 9}, {400, 400, 12},
		{250, 200, 6},  // between two: the one before
		{99, 99, 0},    // before all that the log knows: ended where they begin
		{401, -1, -1},  // not yet
		{-1, -1, -1},   // none
		{399, 300, 9},  //
		{0, 0, 0},      //
		{1000, -1, -1}, //
	} {
		epoch, end := l.EndOfEpoch(c.asked, s.Epoch())
		require.Equal(t, c.epoch, epoch, "asked %d", c.asked)
		require.Equal(t, c.end, end, "asked %d", c.asked)
	}
	for off, epoch := range map[int64]int32{0: 100, 2: 100, 3: 200, 8: 300, 9: 400, 11: 400, 12: 400} {
		require.Equal(t, epoch, l.EpochAt(off, s.Epoch()), "offset %d", off)
	}
	p, err := l.Read(nil, 4, l.End(), 1)
	require.NoError(t, err)
	require.Equal(t, int32(200), Batch(p).leaderEpoch(), "batches carry it")
}

// An opening without an append begins at the log's end.
func TestEpoch_NothingAppended_EndsAtTheEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := lives(t, dir, 2, 100)
	crash(s)
	s, l := lives(t, dir, 0, 200, 300)
	epoch, end := l.EndOfEpoch(200, s.Epoch())
	require.Equal(t, int32(100), epoch)
	require.Equal(t, int64(2), end)
	epoch, end = l.EndOfEpoch(300, s.Epoch())
	require.Equal(t, int32(300), epoch)
	require.Equal(t, int64(2), end)
}

// A clock that was put back does not give an epoch again, nor does one beyond
// what an epoch can hold.
func TestEpoch_ClockGoesBack_NextNumber(t *testing.T) {
	t.Parallel()
	require.Equal(t, int32(501), nextEpoch(500, time.Unix(epochZero+500, 0)))
	require.Equal(t, int32(501), nextEpoch(500, time.Unix(0, 0)))
	require.Equal(t, int32(501), nextEpoch(500, time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.Equal(t, int32(502), nextEpoch(500, time.Unix(epochZero+502, 0)))
	require.Equal(t, int32(math.MaxInt32), nextEpoch(math.MaxInt32, time.Unix(0, 0)))

	for _, appends := range []int{0, 1} {
		dir := t.TempDir()
		s, _ := lives(t, dir, appends, 500)
		require.NoError(t, s.Close())
		require.Equal(t, int32(501), openStore(t, dir, at(7)).Epoch(), "%d appends", appends)
	}
}

// Two histories that part at a copy have no epoch in common after it.
func TestEpoch_CopyPutBack_EndsWhereTheCopyWasMade(t *testing.T) {
	t.Parallel()
	dir, older := t.TempDir(), t.TempDir()
	s, _ := lives(t, dir, 4, 100)
	require.NoError(t, s.Close())
	require.NoError(t, os.CopyFS(older, os.DirFS(dir)))
	s, l := lives(t, dir, 5, 200)
	_, end := l.EndOfEpoch(200, s.Epoch())
	require.Equal(t, int64(9), end)

	s, l = lives(t, older, 20, 300)
	epoch, end := l.EndOfEpoch(200, s.Epoch())
	require.Equal(t, int32(100), epoch)
	require.Equal(t, int64(4), end, "whoever read on to 9 has read what is no more")
}

func TestEpoch_StartMovesOn_EarlierEpochsAreDropped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, l := lives(t, dir, 3, 100, 200, 300)
	var c Commit
	c.SetStart(l, 4)
	require.NoError(t, s.Do(&c))
	require.Equal(t, []epochStart{{200, 4}, {300, 6}}, l.epochs)
	epoch, end := l.EndOfEpoch(100, s.Epoch())
	require.Equal(t, int32(100), epoch)
	require.Equal(t, int64(4), end, "the start")
	crash(s)
	_, l = lives(t, dir, 0, 400)
	require.Equal(t, []epochStart{{200, 4}, {300, 6}}, l.epochs, "recovered")
}

// A checkpoint of the format before has no epochs: what it holds is of epoch 0.
func TestEpoch_CheckpointOfVersion1_IsEpoch0(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, _ := lives(t, dir, 3, 100)
	require.NoError(t, s.Close())
	path := filepath.Join(dir, "checkpoint")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	epochs := binary.AppendVarint(binary.AppendVarint([]byte{1}, 100), 0) // the last log's, at the end
	require.Equal(t, epochs, b[len(b)-len(epochs):])
	b = b[:len(b)-len(epochs)]
	binary.BigEndian.PutUint16(b[6:], 1)
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-checkpointHeader))
	binary.BigEndian.PutUint32(b[12:], crc32.Checksum(b[checkpointHeader:], castagnoli))
	require.NoError(t, os.WriteFile(path, b, 0o600))

	s, l := lives(t, dir, 2, 200)
	require.Equal(t, []epochStart{{0, 0}, {200, 3}}, l.epochs)
	epoch, end := l.EndOfEpoch(0, s.Epoch())
	require.Equal(t, int32(0), epoch)
	require.Equal(t, int64(3), end)
}
