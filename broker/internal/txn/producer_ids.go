package txn

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
)

// reservedIDs is how many producer ids are reserved at once.
const reservedIDs = 1000

// producerIDs gives out producer ids, each once in the life of the data directory.
type producerIDs struct {
	store *storage.Store

	mu       sync.Mutex   // guards the following; no other lock is taken under it
	next     int64        // the next id to give out
	end      int64        // end of the ids that are reserved
	reserved func() error // waits until those are, on disk
}

func loadProducerIDs(s *storage.Store) (*producerIDs, error) {
	ids := &producerIDs{store: s}
	if v, ok := s.Get(rows.Meta, rows.NextProducerID); ok {
		if err := json.Unmarshal(v, &ids.next); err != nil {
			return nil, fmt.Errorf("read next producer id: %w", err)
		}
	}
	ids.end = ids.next
	return ids, nil
}

// used takes note of an id that was given out. It is called before take.
func (ids *producerIDs) used(id int64) {
	ids.next = max(ids.next, id+1)
	ids.end = ids.next
}

// take returns an id that was never given out, and a function that waits until that
// is on disk: before it has returned nil, no client may learn the id. When a block
// of ids is used up, the next block is submitted here and not waited for. The
// journal preserves the order of submission: a commit that is submitted after this,
// and succeeds, has the id reserved.
func (ids *producerIDs) take() (id int64, reserved func() error) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	if ids.next == ids.end {
		ids.reserve(ids.end + reservedIDs)
	}
	ids.next++
	return ids.next - 1, ids.reserved
}

// reserve reserves the ids below end. mu is held.
func (ids *producerIDs) reserve(end int64) {
	c := &storage.Commit{}
	c.Put(rows.Meta, rows.NextProducerID, rows.Encode(end))
	ids.store.Submit(c)
	ids.end = end
	ids.reserved = sync.OnceValue(func() error {
		err := c.Wait()
		if err != nil { // the next id is tried with a block of its own
			ids.mu.Lock()
			defer ids.mu.Unlock()
			if ids.end == end {
				ids.end = ids.next
			}
		}
		return err
	})
}
