package group

import (
	"encoding/json"
	"strings"

	"github.com/sightlog/sightlog/broker/internal/rows"
	"github.com/sightlog/sightlog/broker/storage"
)

// offsets are the groups' committed offsets, which the store has.
type offsets struct{ store *storage.Store }

func offsetsBucket(group string) string { return rows.OffsetsPrefix + group }

// hasOffsets reports whether the group has committed offsets.
func (o offsets) hasOffsets(group string) bool { return len(o.store.Bucket(offsetsBucket(group))) > 0 }

// withOffsets returns the groups that have committed offsets, by name.
func (o offsets) withOffsets() (out []string) {
	for _, bucket := range o.store.Buckets() {
		if name, ok := strings.CutPrefix(bucket, rows.OffsetsPrefix); ok {
			out = append(out, name)
		}
	}
	return out
}

// PutOffset adds a group's committed offset, by its key, to a commit.
func PutOffset(commit *storage.Commit, group, key string, offset rows.Offset) {
	commit.Put(offsetsBucket(group), key, rows.Encode(offset))
}

// Offset returns a group's committed offset.
func (o offsets) Offset(group, key string) (offset rows.Offset, ok bool) {
	v, ok := o.store.Get(offsetsBucket(group), key)
	if !ok || json.Unmarshal(v, &offset) != nil {
		return rows.Offset{}, false
	}
	return offset, true
}

// OffsetKeys returns the keys of a group's committed offsets, in no order.
func (o offsets) OffsetKeys(group string) (keys []string) {
	for key := range o.store.Bucket(offsetsBucket(group)) {
		keys = append(keys, key)
	}
	return keys
}

// DropTopic adds the deletion of the offsets that any group committed for a topic's
// partitions to a commit.
func (o offsets) DropTopic(commit *storage.Commit, topic string, partitions int) {
	for _, group := range o.withOffsets() {
		for i := range partitions {
			key := rows.OffsetKey(topic, int32(i))
			if _, ok := o.store.Get(offsetsBucket(group), key); ok {
				commit.Delete(offsetsBucket(group), key)
			}
		}
	}
}
