package storage

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// damaged is the directory of a store that was killed, before it is opened
// again. Its log "l" has checkpointed batches in one segment, covered by the
// checkpoint, and as many in the journal alone, a group each. The segment file
// holds both.
type damaged struct {
	*testing.T
	dir string
	log uint64
}

const checkpointed = 10

// killedStore makes the directory.
func killedStore(t *testing.T) *damaged {
	t.Helper()
	d := &damaged{T: t, dir: t.TempDir()}
	s := openStore(t, d.dir, Options{})
	l := createLog(t, s, "l")
	d.log = l.ID()
	for i := range 2 * checkpointed {
		if i == checkpointed {
			require.NoError(t, s.Checkpoint(t.Context()))
		}
		require.NoError(t, appendTo(t, s, l, testBatch(1, -1, -1, -1, 0, 2000)).Err)
	}
	crash(s)
	return d
}

func (d *damaged) path(name string) string {
	d.Helper()
	names, err := filepath.Glob(filepath.Join(d.dir, name))
	require.NoError(d, err)
	require.Len(d, names, 1, name)
	return names[0]
}

// edit replaces a file's content.
func (d *damaged) edit(name string, change func(b []byte) []byte) {
	d.Helper()
	b, err := os.ReadFile(name)
	require.NoError(d, err)
	require.NoError(d, os.WriteFile(name, change(b), 0o644))
}

// journal is the file that the last groups are in.
func (d *damaged) journal() string {
	d.Helper()
	names, err := filepath.Glob(filepath.Join(d.dir, "journal", "*.journal"))
	require.NoError(d, err)
	return slices.MaxFunc(names, func(a, b string) int { return int(d.sequence(a)) - int(d.sequence(b)) })
}

func (d *damaged) sequence(journal string) uint64 {
	b, err := os.ReadFile(journal)
	require.NoError(d, err)
	return binary.BigEndian.Uint64(b[8:])
}

// groups are where the groups of a journal file's content begin; the last
// element is where they end.
func groups(b []byte) []int {
	at := []int{journalHeader}
	for pos := journalHeader; ; {
		n := int(binary.BigEndian.Uint32(b[pos+4:]))
		if n == 0 {
			return at
		}
		pos += groupHeader + n
		at = append(at, pos)
	}
}

func truncate(n int) func([]byte) []byte { return func(b []byte) []byte { return b[:n] } }

func flip(at int) func([]byte) []byte {
	return func(b []byte) []byte { b[at] ^= 1; return b }
}

// A damage that a crash can leave takes nothing that was acknowledged, and what
// a crash cannot leave is an error or costs what it damaged, never more.
func TestOpen_NamedCorruption_ExpectedOutcome(t *testing.T) {
	t.Parallel()
	const all = 2 * checkpointed
	for _, c := range []struct {
		name   string
		damage func(d *damaged)
		want   int   // batches that read
		err    error // of Open
	}{
		{"nothing", func(d *damaged) {}, all, nil},

		// The journal.
		{"last group is cut off", func(d *damaged) {
			d.edit(d.journal(), func(b []byte) []byte { g := groups(b); return b[:g[len(g)-1]-1] })
		}, all - 1, nil},
		{"last group is torn in the middle, the end was written", func(d *damaged) {
			d.edit(d.journal(), func(b []byte) []byte {
				g := groups(b)
				last := b[g[len(g)-2]:g[len(g)-1]]
				clear(last[512:1024])
				return b
			})
		}, all - 1, nil},
		{"last group has its header alone", func(d *damaged) {
			d.edit(d.journal(), func(b []byte) []byte {
				g := groups(b)
				clear(b[g[len(g)-2]+groupHeader : g[len(g)-1]])
				return b
			})
		}, all - 1, nil},
		{"group of an older use of the file follows", func(d *damaged) {
			d.edit(d.journal(), func(b []byte) []byte {
				g := groups(b)
				end := g[len(g)-1]
				older := slices.Clone(b[g[len(g)-2]:end])
				number := binary.BigEndian.Uint64(older[8:])
				binary.BigEndian.PutUint64(older[8:], number+1) // even with the right number
				copy(b[end:], older)
				return b
			})
		}, all, nil},
		{"a group in the middle has a wrong CRC", func(d *damaged) {
			d.edit(d.journal(), func(b []byte) []byte { return flip(groups(b)[5] + groupHeader + 100)(b) })
		}, checkpointed + 5, nil},
		{"a new file has its header and no group", func(d *damaged) {
			require.NoError(d, os.WriteFile(filepath.Join(d.dir, "journal", "77.journal"), journalFileHeader(d.sequence(d.journal())+1), 0o644))
		}, all, nil},
		{"a new file is empty", func(d *damaged) {
			require.NoError(d, os.WriteFile(filepath.Join(d.dir, "journal", "77.journal"), nil, 0o644))
		}, all, nil},
		{"a file beyond the next has groups that nothing leads to", func(d *damaged) {
			b, err := os.ReadFile(d.journal())
			require.NoError(d, err)
			copy(b, journalFileHeader(d.sequence(d.journal())+2))
			require.NoError(d, os.WriteFile(filepath.Join(d.dir, "journal", "77.journal"), b, 0o644))
		}, all, nil},
		{"the header of the current file has a wrong CRC", func(d *damaged) {
			d.edit(d.journal(), flip(8))
		}, checkpointed, nil},

		// The checkpoint.
		{"checkpoint is cut off", func(d *damaged) { d.edit(d.path("checkpoint"), func(b []byte) []byte { return b[:len(b)/2] }) }, 0, ErrCorrupt},
		{"checkpoint is empty", func(d *damaged) { d.edit(d.path("checkpoint"), truncate(0)) }, 0, ErrCorrupt},
		{"checkpoint has a wrong CRC", func(d *damaged) { d.edit(d.path("checkpoint"), flip(checkpointHeader+3)) }, 0, ErrCorrupt},
		{"checkpoint is of a newer format", func(d *damaged) {
			d.edit(d.path("checkpoint"), func(b []byte) []byte { binary.BigEndian.PutUint16(b[6:], checkpointVersion+1); return b })
		}, 0, ErrNewerFormat},
		{"checkpoint is missing, the journal is complete", func(d *damaged) { require.NoError(d, os.Remove(d.path("checkpoint"))) }, all, nil},
		{"checkpoint is missing, the journal's first file was recycled", func(d *damaged) {
			require.NoError(d, os.Remove(d.path("checkpoint")))
			d.edit(d.path("journal/0.journal"), func(b []byte) []byte { copy(b, journalFileHeader(9)); return b })
		}, 0, ErrCorrupt},
		{"checkpoint and journal are missing", func(d *damaged) {
			require.NoError(d, os.Remove(d.path("checkpoint")))
			require.NoError(d, os.RemoveAll(filepath.Join(d.dir, "journal")))
		}, 0, ErrCorrupt},
		{"next checkpoint was half written", func(d *damaged) {
			b, err := os.ReadFile(d.path("checkpoint"))
			require.NoError(d, err)
			require.NoError(d, os.WriteFile(filepath.Join(d.dir, "checkpoint.new"), b[:len(b)/2], 0o644))
		}, all, nil},

		// The index: rebuilt by the reader that notices.
		{"index is missing", func(d *damaged) { require.NoError(d, os.Remove(d.path("logs/l.*/*.index"))) }, all, nil},
		{"index is short", func(d *damaged) { d.edit(d.path("logs/l.*/*.index"), truncate(indexEntrySize+3)) }, all, nil},
		{"index points into the middle of batches", func(d *damaged) {
			d.edit(d.path("logs/l.*/*.index"), func(b []byte) []byte {
				for at := 0; at+indexEntrySize <= len(b); at += indexEntrySize {
					binary.BigEndian.PutUint32(b[at+4:], binary.BigEndian.Uint32(b[at+4:])+7)
				}
				return b
			})
		}, all, nil},
		{"index points beyond the segment", func(d *damaged) {
			d.edit(d.path("logs/l.*/*.index"), func(b []byte) []byte {
				for at := 0; at+indexEntrySize <= len(b); at += indexEntrySize {
					binary.BigEndian.PutUint32(b[at+4:], 1<<30)
				}
				return b
			})
		}, all, nil},

		// The segment.
		{"batches of the journal are not in the segment", func(d *damaged) {
			d.edit(d.path("logs/l.*/*.log"), func(b []byte) []byte { return b[:len(b)/2] })
		}, all, nil},
		{"direct write without its group", func(d *damaged) {
			d.edit(d.path("logs/l.*/*.log"), func(b []byte) []byte {
				stray := Batch(testBatch(1, -1, -1, -1, 0, 2000))
				binary.BigEndian.PutUint64(stray, all)
				return append(b[:all*len(stray)], stray...)
			})
		}, all, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := killedStore(t)
			c.damage(d)
			s, err := Open(d.dir, Options{})
			if c.err != nil {
				require.ErrorIs(t, err, c.err)
				require.NotContains(t, err.Error(), "\n")
				requireUntouched(t, d)
				return
			}
			require.NoError(t, err)
			requireBatches(t, s, d.log, c.want)
			require.NoError(t, appendTo(t, s, s.Log(d.log), testBatch(1, -1, -1, -1, 0, 2000)).Err)
			crash(s)
			s = openStore(t, d.dir, Options{})
			requireBatches(t, s, d.log, c.want+1)
		})
	}
}

// requireUntouched checks that a store that does not open has removed nothing.
func requireUntouched(t *testing.T, d *damaged) {
	t.Helper()
	info, err := os.Stat(d.path("logs/l.*/*.log"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, info.Size(), int64(2*checkpointed*2000))
}

// requireBatches reads the log from each of its offsets.
func requireBatches(t *testing.T, s *Store, id uint64, n int) {
	t.Helper()
	l := s.Log(id)
	require.NotNil(t, l)
	require.Len(t, readAll(t, l), n)
	require.EqualValues(t, n, l.End())
	for off := range int64(n) {
		p, err := l.Read(nil, off, l.End(), 1)
		require.NoError(t, err)
		require.Equal(t, off, Batch(p).base())
	}
}

// Reads of a segment that lost what the checkpoint says it holds are errors; the
// other logs are served.
func TestCorruption_SegmentShorterThanTheCheckpointSays_IsAnErrorOfItsReaders(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(d *damaged, path string){
		"short":   func(d *damaged, path string) { d.edit(path, truncate(3000)) },
		"missing": func(d *damaged, path string) { require.NoError(d, os.Remove(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &damaged{T: t, dir: t.TempDir()}
			s := openStore(t, d.dir, Options{})
			l, other := createLog(t, s, "l"), createLog(t, s, "other")
			for range checkpointed {
				require.NoError(t, appendTo(t, s, l, testBatch(1, -1, -1, -1, 0, 2000)).Err)
				require.NoError(t, appendTo(t, s, other, testBatch(1, -1, -1, -1, 0, 2000)).Err)
			}
			require.NoError(t, s.Close())
			damage(d, d.path("logs/l.*/*.log"))
			s = openStore(t, d.dir, Options{})
			requireBatches(t, s, other.ID(), checkpointed)
			_, err := s.Log(l.ID()).Read(nil, checkpointed-1, checkpointed, 1000)
			require.Error(t, err)
			require.NotContains(t, strings.TrimSpace(err.Error()), "\n")
		})
	}
}
