package broker

import (
	"encoding/json"
	"fmt"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/internal/wire"
	"github.com/sightlog/sightlog/broker/storage"
)

// NewClusterID returns a random id: 16 bytes in base64url, 22 characters.
func NewClusterID() string { return wire.NewUUID().String() }

// loadClusterID returns the directory's cluster id, giving it one if it is new:
// the one that is wanted, if any. Another than that wraps ErrOtherCluster.
func loadClusterID(s *storage.Store, want string) (string, error) {
	if v, ok := s.Get(rows.Meta, rows.ClusterID); ok {
		var id string
		if err := json.Unmarshal(v, &id); err != nil {
			return "", fmt.Errorf("read cluster id: %w", err)
		}
		if want != "" && want != id {
			return "", fmt.Errorf("%w: %s, not %s", ErrOtherCluster, id, want)
		}
		return id, nil
	}
	id := want
	if id == "" {
		id = NewClusterID()
	}
	var c storage.Commit
	c.Put(rows.Meta, rows.ClusterID, rows.Encode(id))
	if err := s.Do(&c); err != nil {
		return "", fmt.Errorf("write cluster id: %w", err)
	}
	return id, nil
}
