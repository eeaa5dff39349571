package storage

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// testBatch builds a batch of n records of no particular content.
func testBatch(n int, pid int64, epoch int16, seq int32, flags int16, size int) []byte {
	b := make([]byte, batchHeader+size)
	for i := batchHeader; i < len(b); i++ {
		b[i] = byte(i)
	}
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-batchPrefix))
	b[16] = 2
	binary.BigEndian.PutUint16(b[21:], uint16(flags))
	binary.BigEndian.PutUint32(b[23:], uint32(n-1))
	binary.BigEndian.PutUint64(b[27:], 1000)
	binary.BigEndian.PutUint64(b[35:], 1000)
	binary.BigEndian.PutUint64(b[43:], uint64(pid))
	binary.BigEndian.PutUint16(b[51:], uint16(epoch))
	binary.BigEndian.PutUint32(b[53:], uint32(seq))
	binary.BigEndian.PutUint32(b[57:], uint32(n))
	binary.BigEndian.PutUint32(b[17:], Batch(b).computeCRC())
	return b
}

func openStore(t *testing.T, dir string, opt Options) *Store {
	t.Helper()
	s, err := Open(dir, opt)
	require.NoError(t, err)
	t.Cleanup(func() { s.Close() })
	return s
}

func createLog(t *testing.T, s *Store, name string) *Log {
	t.Helper()
	l, err := s.NewLog(name)
	require.NoError(t, err)
	var c Commit
	c.Create(l)
	require.NoError(t, s.Do(&c))
	return l
}

func appendTo(t *testing.T, s *Store, l *Log, b []byte) *AppendResult {
	t.Helper()
	var c Commit
	r := c.Append(l, b, false)
	require.NoError(t, s.Do(&c))
	return r
}

// crash closes a store as a killed process would: no checkpoint.
func crash(s *Store) {
	s.queueMu.Lock()
	s.closed = true
	s.queueMu.Unlock()
	s.wakeCommitter()
	<-s.stopped
	s.closeFiles()
}

// readAll returns the base offsets of the batches of a log.
func readAll(t *testing.T, l *Log) (bases []int64) {
	t.Helper()
	for off := l.Start(); off < l.End(); {
		p, err := l.Read(nil, off, l.End(), 10_000)
		require.NoError(t, err)
		require.NotEmpty(t, p)
		for len(p) > 0 {
			b := Batch(p)
			require.NoError(t, checkStored(b))
			bases = append(bases, b.base())
			off = b.last() + 1
			p = p[b.size():]
		}
	}
	return bases
}

func TestCommit_Restart_Survives(t *testing.T) {
	t.Parallel()
	for _, clean := range []bool{true, false} {
		t.Run(fmt.Sprintf("clean close %v", clean), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := openStore(t, dir, Options{JournalBytes: 20_000})
			l := createLog(t, s, "a-0")
			id := l.ID()
			l.Configure(LogConfig{SegmentBytes: 30_000, SegmentAge: 1 << 40})
			var want []int64
			for i := range 200 {
				want = append(want, int64(i*3))
				r := appendTo(t, s, l, testBatch(3, 7, 0, int32(i*3), 0, 1000))
				require.NoError(t, r.Err)
				require.Equal(t, int64(i*3), r.Base)
			}
			var c Commit
			c.Put("b", "k", []byte("v"))
			require.NoError(t, s.Do(&c))
			require.Equal(t, want, readAll(t, l))
			if clean {
				require.NoError(t, s.Close())
			} else {
				crash(s)
			}

			s = openStore(t, dir, Options{JournalBytes: 20_000})
			l = s.Log(id)
			require.Equal(t, want, readAll(t, l))
			v, ok := s.Get("b", "k")
			require.True(t, ok)
			require.Equal(t, "v", string(v))
			r := appendTo(t, s, l, testBatch(3, 7, 0, 597, 0, 1000))
			require.NoError(t, r.Err)
			require.Equal(t, int64(597), r.Base, "a retry after the restart is a duplicate")
			r = appendTo(t, s, l, testBatch(3, 7, 0, 600, 0, 1000))
			require.NoError(t, r.Err)
			require.Equal(t, int64(600), r.Base)
			r = appendTo(t, s, l, testBatch(3, 7, 0, 606, 0, 1000))
			require.ErrorIs(t, r.Err, ErrOutOfOrder)
		})
	}
}

func TestAppend_AfterADropInTheSameGroup_Refused(t *testing.T) {
	t.Parallel()
	s := openStore(t, t.TempDir(), Options{})
	l := createLog(t, s, "l")
	appendTo(t, s, l, testBatch(1, -1, 0, -1, 0, 10))
	var drop, after Commit
	drop.Drop(l)
	r := after.Append(l, testBatch(1, -1, 0, -1, 0, 10), false)
	s.SubmitDeferred(&drop) // the committer takes both at once
	s.Submit(&after)
	require.NoError(t, drop.Wait())
	require.NoError(t, after.Wait())
	require.ErrorIs(t, r.Err, ErrDropped)
	require.NoError(t, s.Failed())
	_, err := l.Read(nil, 0, 10, 10)
	require.ErrorIs(t, err, ErrDropped)
}
