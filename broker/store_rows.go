package broker

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Keys of the bucket meta.
const (
	keyClusterID      = "cluster-id"
	keyNextProducerID = "next-producer-id"
)

// Buckets of the store's table. Values are JSON.
const (
	bucketMeta   = "meta"     // key: name of a singleton
	bucketTopics = "topics"   // key: topic name; value: topicRow
	bucketACLs   = "acls"     // key: a Rule; value: nothing
	bucketSCRAM  = "scram"    // key: mechanism/user; value: scramRow
	bucketTxns   = "txns"     // key: transactional id; value: txnRow
	offsetsOf    = "offsets/" // + group; key: topic/partition; value: offsetRow
)

// offsetRow is a committed offset as it is kept.
type offsetRow struct {
	Offset   int64  `json:"o"`
	Epoch    int32  `json:"e"`
	Metadata string `json:"m,omitempty"`
	At       int64  `json:"t"` // ms, when it was committed
}

func offsetKey(topic string, partition int32) string {
	return topic + "/" + strconv.Itoa(int(partition))
}

func splitOffsetKey(key string) (topic string, partition int32) {
	i := strings.LastIndexByte(key, '/')
	n, _ := strconv.Atoi(key[i+1:])
	return key[:i], int32(n)
}

// encode makes the JSON of a row. Rows are plain structs: it cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("encode %T: %v", v, err))
	}
	return b
}
