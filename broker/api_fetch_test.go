package broker

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The size that a response says is enough in each version, also where most of it is
// names, partitions or aborted transactions.
func TestFetched_Size_IsNoLessThanEncoded(t *testing.T) {
	t.Parallel()
	for version := int16(4); version <= fetchAPI.max; version++ {
		for _, partitions := range []int{0, 1, 300} {
			for _, aborted := range []int{0, 300} {
				f := &fetched{FetchResponse: kmsg.NewPtrFetchResponse()}
				f.SetVersion(version)
				topic := kmsg.NewFetchResponseTopic()
				topic.Topic = strings.Repeat("n", 249)
				for range partitions {
					p := kmsg.NewFetchResponseTopicPartition()
					p.RecordBatches = make([]byte, 500)
					p.AbortedTransactions = make([]kmsg.FetchResponseTopicPartitionAbortedTransaction, aborted)
					topic.Partitions = append(topic.Partitions, p)
				}
				f.Topics = append(f.Topics, topic, topic)
				require.GreaterOrEqual(t, f.Size(), len(f.AppendTo(nil)), "version %d", version)
			}
		}
	}
}
