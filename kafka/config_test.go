package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/kafka"
)

// Kafka's own test vectors for murmur2 (UtilsTest.testMurmur2).
func TestPartition_KafkasTestVectors_SamePartition(t *testing.T) {
	for key, hash := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		for _, n := range []int{1, 3, 8, 16, 1000} {
			require.Equal(t, (hash&0x7fffffff)%int32(n), kafka.Partition([]byte(key), n), "%q of %d", key, n)
		}
	}
}

func TestConfig_InvalidValue_IsAnError(t *testing.T) {
	for name, c := range map[string]kafka.Config{
		"no brokers":          {},
		"unknown sasl":        {Brokers: []string{"x:1"}, SASL: "magic"},
		"unknown compression": {Brokers: []string{"x:1"}, Compression: "rar"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := kafka.OpenLive(c)
			require.Error(t, err)
		})
	}
}
