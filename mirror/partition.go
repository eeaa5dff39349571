package mirror

import (
	"cmp"
	"slices"
)

// topicPartition is a partition of the source.
type topicPartition struct {
	topic     string
	partition int32
}

// compare orders partitions.
func compare(a, b topicPartition) int {
	return cmp.Or(cmp.Compare(a.topic, b.topic), cmp.Compare(a.partition, b.partition))
}

// sorted returns the partitions of a map in order.
func sorted[V any](m map[topicPartition]V) []topicPartition {
	var all []topicPartition
	for tp := range m {
		all = append(all, tp)
	}
	slices.SortFunc(all, compare)
	return all
}
