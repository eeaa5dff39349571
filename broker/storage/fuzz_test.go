package storage

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRecovery opens a store whose journal and checkpoint are any bytes. It
// opens, and then takes writes, or says what is wrong; it does not panic.
func FuzzRecovery(f *testing.F) {
	base := newFaultFS(1)
	s, err := Open("d", Options{FS: base, JournalBytes: 3000})
	require.NoError(f, err)
	var c Commit
	l, err := s.NewLog("l")
	require.NoError(f, err)
	c.Create(l)
	c.Put("b", "k", []byte("v"))
	require.NoError(f, s.Do(&c))
	for i := range 20 {
		var c Commit
		c.Append(l, lossBatch(0, i), false)
		require.NoError(f, s.Do(&c))
	}
	crash(s)
	var journals []string
	for _, name := range slices.Sorted(maps.Keys(base.names)) {
		if len(name) > 10 && name[:10] == "d/journal/" {
			journals = append(journals, name)
			f.Add(base.names[name].data, base.names["d/checkpoint"].data, uint16(7), byte(1))
		}
	}
	f.Add([]byte{}, []byte{}, uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, journal, checkpoint []byte, at uint16, flip byte) {
		fs := newFaultFS(1)
		for name, file := range base.names {
			fs.names[name] = &memFile{data: slices.Clone(file.data)}
		}
		fs.dirs = maps.Clone(base.dirs)
		set := func(name string, data []byte) {
			data = slices.Clone(data)
			if len(data) > 0 {
				data[int(at)%len(data)] ^= flip
			}
			fs.names[name] = &memFile{data: data}
		}
		if len(checkpoint) > 0 {
			set("d/checkpoint", checkpoint)
		} else {
			set(journals[int(at)%len(journals)], journal)
		}
		s, err := Open("d", Options{FS: fs, JournalBytes: 3000})
		if err != nil {
			require.True(t, errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNewerFormat), "%v", err)
			return
		}
		var c Commit
		c.Put("b", "k", []byte("after"))
		require.NoError(t, s.Do(&c))
		crash(s)
	})
}

// FuzzBatch looks into any bytes that pass as a batch.
func FuzzBatch(f *testing.F) {
	f.Add(lossBatch(compacted, 1))
	f.Add([]byte(markerBatch(1, 1, true, 0, 1)))
	f.Fuzz(func(t *testing.T, p []byte) {
		if len(p) < batchHeader || Batch(p).size() != len(p) {
			return
		}
		b := Batch(p)
		var kept []Record
		err := b.Each(func(r *Record) bool { kept = append(kept, *r); return len(kept) < 1000 })
		if err != nil {
			require.ErrorIs(t, err, ErrUnreadable)
			return
		}
		if len(kept) == 0 {
			return
		}
		out, err := rebuild(b, kept, true, 12345)
		require.NoError(t, err)
		var again []Record
		require.NoError(t, out.Each(func(r *Record) bool { again = append(again, *r); return true }))
		require.Equal(t, len(kept), len(again))
		for i := range kept {
			require.Equal(t, kept[i].Key, again[i].Key)
			require.Equal(t, kept[i].Value, again[i].Value)
			require.Equal(t, kept[i].Offset, again[i].Offset)
		}
	})
}

// FuzzReplay does the operations of any bytes that pass the journal's CRC.
func FuzzReplay(f *testing.F) {
	l := newLog(newFaultFS(1), 1, "l", "d/logs/l")
	batch := Batch(lossBatch(0, 1))
	batch.stamp(0, 1)
	seg := newSegment(l.fs, l.dir, 0)
	for _, o := range []op{
		{kind: opCreate, log: l},
		{kind: opPut, bucket: "b", key: "k", value: []byte("v")},
		{kind: opDelete, bucket: "b", key: "k"},
		{kind: opAppend, log: l, batch: batch, seg: seg},
		{kind: opAppend, log: l, batch: batch, seg: seg, written: true},
		{kind: opStart, log: l, offset: 1},
		{kind: opDrop, log: l},
		{kind: opReplace, log: l, replaced: &replacement{bases: []int64{0}, with: seg, markers: []int64{3}, final: true}},
	} {
		f.Add((&op{kind: opCreate, log: l}).encode(nil, 0), o.encode(nil, 1))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		fs := newFaultFS(1)
		s, err := Open("d", Options{FS: fs})
		require.NoError(t, err)
		crash(s)
		var after aftermath
		for _, payload := range [][]byte{first, second} {
			if err := s.replay(payload, &after); err != nil {
				return
			}
		}
		if err := after.do(s); err != nil {
			return // a segment that is not there
		}
		// The replayed state can be written as a checkpoint and read back.
		state := s.encodeCheckpoint(checkpointHead{1, 0})
		fs.names["d/checkpoint"] = &memFile{data: state}
		again, err := Open("d", Options{FS: fs})
		require.NoError(t, err)
		crash(again)
	})
}
