package storage

import (
	"encoding/binary"
	"maps"
	"slices"
	"sync"
)

// table is the metadata store: small values by bucket and key. All of it is in
// memory; journal and checkpoints make it durable.
type table struct {
	mu      sync.RWMutex // guards buckets
	buckets map[string]map[string][]byte
}

func newTable() *table { return &table{buckets: map[string]map[string][]byte{}} }

func (t *table) put(bucket, key string, value []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.buckets[bucket]
	if m == nil {
		m = map[string][]byte{}
		t.buckets[bucket] = m
	}
	m[key] = value
}

func (t *table) delete(bucket, key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.buckets[bucket]
	delete(m, key)
	if len(m) == 0 {
		delete(t.buckets, bucket)
	}
}

// encode appends the table, sorted, so that equal tables are equal bytes.
func (t *table) encode(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(t.buckets)))
	for _, bucket := range slices.Sorted(maps.Keys(t.buckets)) {
		m := t.buckets[bucket]
		b = appendString(b, bucket)
		b = binary.AppendUvarint(b, uint64(len(m)))
		for _, key := range slices.Sorted(maps.Keys(m)) {
			b = appendString(b, key)
			b = appendBytes(b, m[key])
		}
	}
	return b
}

func (t *table) decode(d *decoder) {
	for range d.count(2) {
		bucket := d.string()
		for range d.count(2) {
			key := d.string()
			t.put(bucket, key, append([]byte(nil), d.bytes()...))
		}
	}
}

// Get returns a value as last committed.
func (s *Store) Get(bucket, key string) ([]byte, bool) {
	s.table.mu.RLock()
	defer s.table.mu.RUnlock()
	v, ok := s.table.buckets[bucket][key]
	return v, ok
}

// Bucket returns a copy of a bucket's keys and values as last committed. The
// values must not be changed.
func (s *Store) Bucket(bucket string) map[string][]byte {
	s.table.mu.RLock()
	defer s.table.mu.RUnlock()
	return maps.Clone(s.table.buckets[bucket])
}

// Buckets returns the names of the buckets that are not empty, sorted.
func (s *Store) Buckets() []string {
	s.table.mu.RLock()
	defer s.table.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.table.buckets))
}
