package rows

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Keys of the bucket Meta.
const (
	ClusterID      = "cluster-id"
	NextProducerID = "next-producer-id"
)

// Buckets of the store's metadata. Values are JSON. The format of a row stands at its
// type, in the package that owns the bucket.
const (
	Meta          = "meta"           // key: name of a singleton
	Topics        = "topics"         // key: topic name; value: topicRow
	Settings      = "settings"       // key: name of a broker's setting that was altered; value: its value
	GroupSettings = "group-settings" // key: group; value: its settings, by name
	Quotas        = "quotas"         // key: JSON of a quota.Entity; value: quota.Limits
	ACLs          = "acls"           // key: a Rule; value: nothing
	SCRAM         = "scram"          // key: mechanism/user; value: scramRow
	Txns          = "txns"           // key: transactional id; value: txnRow
	OffsetsPrefix = "offsets/"       // + group; key: topic/partition; value: Offset
)

// Offset is a committed offset.
type Offset struct {
	Offset   int64  `json:"o"`
	Epoch    int32  `json:"e"`
	Metadata string `json:"m,omitempty"`
	At       int64  `json:"t"` // ms, when it was committed
}

// OffsetKey returns the key of a partition in the bucket of a group's offsets.
func OffsetKey(topic string, partition int32) string {
	return topic + "/" + strconv.Itoa(int(partition))
}

// SplitOffsetKey is OffsetKey's inverse.
func SplitOffsetKey(key string) (topic string, partition int32) {
	i := strings.LastIndexByte(key, '/')
	n, _ := strconv.Atoi(key[i+1:])
	return key[:i], int32(n)
}

// Encode returns the JSON of a row. Rows are plain structs: it cannot fail.
func Encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return b
}
