package txn

import (
	"encoding/json"
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
)

// Load reads the transactional ids from the store. The timeouts of transactions
// that a restart interrupted continue.
func Load(opt Options) (*Coordinator, error) {
	ids, err := loadProducerIDs(opt.Store)
	if err != nil {
		return nil, err
	}
	c := &Coordinator{opt: opt, ids: ids, byID: map[string]*Txn{}}
	for id, value := range opt.Store.Bucket(rows.Txns) {
		t := &Txn{id: id, parts: map[*storage.Log]struct{}{}}
		if err := json.Unmarshal(value, &t.row); err != nil {
			return nil, fmt.Errorf("read transactional id %s: %w", id, err)
		}
		for topic, indexes := range t.row.Partitions {
			for _, i := range indexes {
				if l := opt.Partition(topic, i); l != nil {
					t.parts[l] = struct{}{}
				}
			}
		}
		c.byID[id] = t
		ids.used(t.row.ProducerID)
	}
	for _, t := range c.all() {
		t.mu.Lock()
		if t.row.State == Ongoing {
			c.armTimeout(t)
		}
		t.mu.Unlock()
	}
	return c, nil
}
