package sink

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// position is the stored offset of one partition.
type position struct {
	cluster string
	topic   kadm.TopicID
	table   uint32 // oid of the table it was read from: camera and run ids are of it too
	next    int64
	last    lastRecord // the record before next, if its offset is next-1
}

// lastRecord identifies the record before a stored offset.
type lastRecord struct {
	offset int64 // -1: not known
	epoch  int32 // of the leader that appended it; -1: not known
	digest []byte
}

var unknownRecord = lastRecord{offset: -1, epoch: -1}

// identify returns the identity of a record as it is stored.
func identify(r *kgo.Record) lastRecord {
	if r == nil {
		return unknownRecord
	}
	return lastRecord{offset: r.Offset, epoch: r.LeaderEpoch, digest: digest(r)}
}

// digest is the first half of the SHA-256 of the parts of a record that never change
// in the log: its timestamp (ms, big endian), the length of its key, the key, and its
// value.
func digest(r *kgo.Record) []byte {
	h := sha256.New()
	head := binary.BigEndian.AppendUint64(nil, uint64(r.Timestamp.UnixMilli()))
	head = binary.BigEndian.AppendUint64(head, uint64(len(r.Key)))
	h.Write(head)
	h.Write(r.Key)
	h.Write(r.Value)
	return h.Sum(nil)[:sha256.Size/2]
}

// lastEpoch returns the leader epoch of the record before next, -1 if it is unknown.
func (p position) lastEpoch() int32 {
	if p.last.offset != p.next-1 {
		return -1
	}
	return p.last.epoch
}
