package broker

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/sightlog/sightlog/broker/storage"
)

// uuid is a topic's id; clients write it as unpadded URL-safe base64.
type uuid [16]byte

func newUUID() (id uuid) {
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40 // version 4
	id[8] = id[8]&0x3f | 0x80
	return id
}

func (id uuid) String() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// MarshalText makes the id readable in the store.
func (id uuid) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is MarshalText's inverse.
func (id *uuid) UnmarshalText(text []byte) error {
	if base64.RawURLEncoding.DecodedLen(len(text)) != len(id) {
		return fmt.Errorf("uuid of %d characters", len(text))
	}
	_, err := base64.RawURLEncoding.Decode(id[:], text)
	return err
}

// Buckets of the store's table. Values are JSON.
const (
	bucketMeta   = "meta"     // key: name of a singleton
	bucketTopics = "topics"   // key: topic name; value: topicRow
	bucketTxns   = "txns"     // key: transactional id; value: txnRow
	offsetsOf    = "offsets/" // + group; key: topic/partition; value: offsetRow
)

// NewClusterID returns a random id: 16 bytes in base64url, 22 characters.
func NewClusterID() string { return newUUID().String() }

// loadClusterID returns the directory's cluster id, giving it one if it is new:
// the one that is wanted, if any. Another than that wraps ErrOtherCluster.
func loadClusterID(s *storage.Store, want string) (string, error) {
	if v, ok := s.Get(bucketMeta, "cluster-id"); ok {
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
	c.Put(bucketMeta, "cluster-id", encode(id))
	if err := s.Do(&c); err != nil {
		return "", fmt.Errorf("write cluster id: %w", err)
	}
	return id, nil
}

// encode makes the JSON of a row. Rows are plain structs: it cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return b
}
