package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cycles is how many times a randomised test repeats; SIGHTLOG_CYCLES asks for
// more than the few that are made by default.
func cycles(t *testing.T, few int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("SIGHTLOG_CYCLES"))
	if err != nil {
		return few
	}
	t.Logf("%d cycles", n)
	return n
}

// TestPowerLoss_FlushAlways_KeepsAcknowledgedWrites writes, stops at a random operation of
// the disk, recovers, and looks: every acknowledged commit is there, whole; what
// was not acknowledged is there whole or not at all. A life ends with the power,
// with the process alone (what was not synced is there in the next life, and may
// be lost with the power at its end), or with a sync that fails.
func TestPowerLoss_FlushAlways_KeepsAcknowledgedWrites(t *testing.T) {
	t.Parallel()
	losePower(t, FlushAlways)
}

// Under the other policies acknowledged commits may be lost, the last ones: what
// is there is all that was there at an earlier moment.
func TestPowerLoss_LazyFlush_LeavesAnEarlierMoment(t *testing.T) {
	t.Parallel()
	for name, flush := range map[string]Flush{"interval": FlushInterval, "os": FlushOS} {
		t.Run(name, func(t *testing.T) { t.Parallel(); losePower(t, flush) })
	}
}

func losePower(t *testing.T, flush Flush) {
	t.Helper()
	passes := 0
	for seed := range cycles(t, 60) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { passes += powerLoss(t, uint64(seed), flush) }) {
			return
		}
	}
	require.Positive(t, passes, "compaction was part of it")
	t.Logf("%d compactions", passes)
}

// lossLogs is the number of logs. The last one has keys and is compacted.
const (
	lossLogs  = 3
	compacted = lossLogs - 1
	lossKeys  = 7
)

// lossModel is what the test knows of the store. Each commit adds one batch to
// every log and a number to the table; all four must agree.
type lossModel struct {
	compacted int // passes that dropped something
	acked     int // commits that were acknowledged
	tried     int // commits that may be there
	starts    [lossLogs]int64
	startOK   [lossLogs]int64 // acknowledged
}

// forget makes every acknowledged commit one that may be lost.
func (m *lossModel) forget() { m.acked, m.startOK = 0, [lossLogs]int64{} }

// lossOptions has all, some or none of the batches written directly.
func lossOptions(f *faultFS, flush Flush) Options {
	f.mu.Lock()
	defer f.mu.Unlock()
	direct := []int{1, 1000, 1 << 20}[f.rng.IntN(3)]
	return Options{
		FS: f, Flush: flush, FlushInterval: time.Millisecond,
		JournalBytes: 6000, DirectBytes: direct, Log: slog.New(slog.DiscardHandler),
	}
}

func powerLoss(t *testing.T, seed uint64, flush Flush) (compactions int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	f := newFaultFS(seed)
	var m lossModel
	ids := lossSetUp(t, f)
	for range 8 { // lives
		s, err := Open("d", lossOptions(f, flush))
		require.NoError(t, err)
		lossCheck(t, s, ids, &m)
		f.configure(func() {
			if f.opsLeft = rng.IntN(400); rng.IntN(3) == 0 {
				f.syncsLeft = rng.IntN(40)
			}
		})
		lossWrite(t, s, ids, &m, rng)
		crash(s)
		if rng.IntN(3) > 0 { // the power goes too
			f = f.crash()
			if flush != FlushAlways {
				m.forget()
			}
		}
		f.configure(func() { f.opsLeft, f.syncsLeft = -1, -1 })
	}
	s, err := Open("d", lossOptions(f, flush))
	require.NoError(t, err)
	lossCheck(t, s, ids, &m)
	require.NoError(t, s.Close())
	return m.compacted
}

func lossSetUp(t *testing.T, f *faultFS) (ids []uint64) {
	t.Helper()
	s, err := Open("d", lossOptions(f, FlushAlways))
	require.NoError(t, err)
	var c Commit
	for i := range lossLogs {
		l, err := s.NewLog(fmt.Sprint("l-", i))
		require.NoError(t, err)
		c.Create(l)
		ids = append(ids, l.ID())
	}
	require.NoError(t, s.Do(&c))
	crash(s)
	return ids
}

// lossWrite commits until the power goes.
func lossWrite(t *testing.T, s *Store, ids []uint64, m *lossModel, rng *rand.Rand) {
	t.Helper()
	for {
		var c Commit
		switch rng.IntN(12) {
		case 0:
			i := rng.IntN(lossLogs)
			l := s.Log(ids[i])
			at := l.Start() + rng.Int64N(l.End()-l.Start()+1)
			m.starts[i] = max(m.starts[i], at)
			c.SetStart(l, at)
			if s.Do(&c) != nil {
				return
			}
			m.startOK[i] = max(m.startOK[i], at)
			continue
		case 1:
			l := s.Log(ids[compacted])
			st, err := s.Compact(t.Context(), l, CompactOptions{Now: 10_000})
			if err != nil {
				return
			}
			if st.BytesLeft < st.Bytes {
				m.compacted++
			}
			continue
		}
		if rng.IntN(8) == 0 {
			if !lossWriteMany(t, s, ids, m, 2+rng.IntN(6)) {
				return
			}
			continue
		}
		m.tried = m.acked + 1
		var rs []*AppendResult
		for i, id := range ids {
			l := s.Log(id)
			l.Configure(LogConfig{SegmentBytes: 2500, SegmentAge: 1 << 40})
			rs = append(rs, c.Append(l, lossBatch(i, m.acked), false))
		}
		c.Put("n", "n", fmt.Append(nil, m.tried))
		if err := s.Do(&c); err != nil {
			require.True(t, errors.Is(err, errPower) || errors.Is(err, ErrFailed), "%v", err)
			return
		}
		for _, r := range rs {
			if r.Err != nil {
				require.ErrorIs(t, r.Err, errPower)
				return
			}
		}
		m.acked = m.tried
	}
}

// lossWriteMany submits n commits before it waits, so that they share groups,
// and reports whether the power is still on.
func lossWriteMany(t *testing.T, s *Store, ids []uint64, m *lossModel, n int) bool {
	t.Helper()
	commits := make([]Commit, n)
	results := make([][]*AppendResult, n)
	for j := range commits {
		for i, id := range ids {
			results[j] = append(results[j], commits[j].Append(s.Log(id), lossBatch(i, m.acked+j), false))
		}
		commits[j].Put("n", "n", fmt.Append(nil, m.acked+j+1))
		s.Submit(&commits[j])
	}
	m.tried = m.acked + n
	on := true
	for j := range commits {
		err := commits[j].Wait()
		for _, r := range results[j] {
			if err == nil {
				err = r.Err
			}
		}
		if err != nil {
			require.True(t, errors.Is(err, errPower) || errors.Is(err, ErrFailed) || errors.Is(err, ErrOutOfOrder), "%v", err)
			on = false
		} else if on {
			m.acked++
		}
	}
	return on
}

// lossBatch is one record of producer 1, without a key but in the compacted
// log.
func lossBatch(log, i int) []byte {
	record := []byte{0, 0, 0, 1} // no key
	if log == compacted {
		record = []byte{0, 0, 0, 2, byte('a' + i%lossKeys)}
	}
	value := fmt.Appendf(nil, "%0200d", i)
	record = binary.AppendVarint(record, int64(len(value)))
	record = append(append(record, value...), 0)
	body := append(binary.AppendVarint(nil, int64(len(record))), record...)
	b := testBatch(1, 1, 0, int32(i), 0, len(body))
	copy(b[batchHeader:], body)
	binary.BigEndian.PutUint32(b[17:], Batch(b).computeCRC())
	return b
}

func lossCheck(t *testing.T, s *Store, ids []uint64, m *lossModel) {
	t.Helper()
	v, _ := s.Get("n", "n")
	n, _ := strconv.Atoi(string(v))
	require.GreaterOrEqual(t, n, m.acked, "acknowledged commits are there")
	require.LessOrEqual(t, n, m.tried, "nothing is there that was not tried")
	for i, id := range ids {
		l := s.Log(id)
		require.NotNil(t, l)
		require.Equal(t, int64(n), l.End(), "a commit is whole: log %d", i)
		require.GreaterOrEqual(t, l.Start(), m.startOK[i], "a start does not go back")
		require.LessOrEqual(t, l.Start(), m.starts[i])
		want := l.Start()
		seen := map[int64]bool{}
		for off := l.Start(); off < l.End(); {
			p, err := l.Read(nil, off, l.End(), 1000)
			require.NoError(t, err)
			require.NotEmpty(t, p, "log %d at %d of %d", i, off, l.End())
			for ; len(p) > 0; p = p[Batch(p).size():] {
				b := Batch(p)
				require.NoError(t, checkStored(b))
				if i == compacted {
					seen[b.base()] = true
					require.GreaterOrEqual(t, b.base(), want)
				} else {
					require.Equal(t, want, b.base())
				}
				require.NoError(t, b.Each(func(r *Record) bool {
					require.Equal(t, fmt.Sprintf("%0200d", b.base()), string(r.Value))
					return true
				}))
				want, off = b.base()+1, b.base()+1
			}
		}
		if i == compacted {
			for off := max(l.Start(), l.End()-lossKeys); off < l.End(); off++ {
				require.True(t, seen[off], "the last record of each key stays: %d of %d", off, l.End())
			}
		}
		if n > 0 {
			// The last batch, sent again, is recognised.
			var c Commit
			r := c.Append(l, lossBatch(i, n-1), false)
			require.NoError(t, s.Do(&c))
			require.NoError(t, r.Err)
			require.Equal(t, int64(n-1), r.Base)
		}
	}
	m.acked, m.tried = n, n
	for i, id := range ids {
		m.starts[i] = max(s.Log(id).Start(), m.startOK[i])
		m.startOK[i] = m.starts[i]
	}
}

func TestSync_Fails_WritesRefusedReadsServed(t *testing.T) {
	t.Parallel()
	t.Run("journal", func(t *testing.T) { refusesAfterFailedSync(t, 1<<20) })
	t.Run("direct", func(t *testing.T) { refusesAfterFailedSync(t, 1) })
}

func refusesAfterFailedSync(t *testing.T, direct int) {
	t.Helper()
	f := newFaultFS(1)
	s, err := Open("d", Options{FS: f, DirectBytes: direct})
	require.NoError(t, err)
	l := createLog(t, s, "l")
	appendTo(t, s, l, lossBatch(0, 0))
	f.mu.Lock()
	f.syncFails = true
	f.mu.Unlock()
	var c Commit
	c.Append(l, lossBatch(0, 1), false)
	require.ErrorIs(t, s.Do(&c), ErrFailed)
	f.mu.Lock()
	f.syncFails = false
	f.mu.Unlock()
	var again Commit
	again.Append(l, lossBatch(0, 1), false)
	require.ErrorIs(t, s.Do(&again), ErrFailed, "a failed sync is not tried again")
	require.ErrorIs(t, s.Refusing(), ErrFailed)
	require.Equal(t, []int64{0}, readAll(t, l))
	require.ErrorIs(t, s.Close(), ErrFailed)

	s, err = Open("d", Options{FS: f.crash()})
	require.NoError(t, err)
	l = s.Log(l.ID())
	require.Equal(t, []int64{0}, readAll(t, l)[:1])
	require.NoError(t, s.Close())
}

func TestFullDisk_Writes_RefusedThenResumed(t *testing.T) {
	t.Parallel()
	t.Run("journal", func(t *testing.T) { fullDisk(t, 1<<20) })
	t.Run("direct", func(t *testing.T) { fullDisk(t, 1) })
}

func fullDisk(t *testing.T, direct int) {
	t.Helper()
	f := newFaultFS(1)
	s, err := Open("d", Options{FS: f, JournalBytes: 4000, DirectBytes: direct})
	require.NoError(t, err)
	l := createLog(t, s, "l")
	written := 0
	f.mu.Lock()
	f.roomLeft = 400_000
	f.mu.Unlock()
	var full error
	for full == nil {
		var c Commit
		r := c.Append(l, lossBatch(0, written), false)
		if full = s.Do(&c); full == nil {
			full = r.Err
		}
		if full == nil {
			written++
		}
	}
	require.True(t, IsFull(full), "%v", full)
	require.True(t, IsFull(s.Refusing()), "%v", s.Refusing())
	require.Len(t, readAll(t, l), written, "reads go on")
	f.mu.Lock()
	f.roomLeft = -1
	f.mu.Unlock()
	appendTo(t, s, l, lossBatch(0, written))
	require.NoError(t, s.Refusing())
	require.Len(t, readAll(t, l), written+1)
	require.NoError(t, s.Close())
}
