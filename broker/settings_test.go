package broker

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestConfigure_KafkasNames_SetTheFields(t *testing.T) {
	t.Parallel()
	var c Config
	require.NoError(t, c.Configure(map[string]string{
		"num.partitions": "6", "auto.create.topics.enable": "false", "broker.id": "3", "group.initial.rebalance.delay.ms": "3000",
		"log.retention.hours": "2", "log.roll.hours": "1", "log.roll.ms": "5", "message.max.bytes": " 2000 ", "offsets.retention.minutes": "60",
	}))
	require.Equal(t, Config{
		DefaultPartitions: 6, NoAutoCreate: true, NodeID: 3, GroupInitialDelay: 3 * time.Second, OffsetRetention: time.Hour,
		TopicDefaults: map[string]string{"retention.ms": "7200000", "segment.ms": "5", "max.message.bytes": "2000"},
	}, c)
	require.NoError(t, c.Configure(map[string]string{"log.retention.hours": "-1"}))
	require.Equal(t, "-1", c.TopicDefaults["retention.ms"])
}

func TestConfigure_Mistakes_SayWhichSettingAndWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ value, reason string }{
		"num.partitions":        {"0", "whole number from 1"},
		"log.retention.hours":   {"2h", "whole number"},
		"log.retention.minutes": {"9223372036854775807", "whole number"},
		"compression.type":      {"brotli", "producer or uncompressed"},
		"log.dirs":              {"/data", ErrUnknownSetting.Error()},
	} {
		err := new(Config).Configure(map[string]string{name: c.value})
		var wrong *SettingError
		require.True(t, errors.As(err, &wrong), name)
		require.Equal(t, name, wrong.Name)
		require.ErrorContains(t, err, c.reason)
	}
}

// settings returns the values of a description, by name, and where they come from.
func settings(t *testing.T, rs kadm.ResourceConfigs, err error) map[string]kadm.Config {
	t.Helper()
	require.NoError(t, err)
	require.Len(t, rs, 1)
	require.NoError(t, rs[0].Err)
	out := map[string]kadm.Config{}
	for _, c := range rs[0].Configs {
		out[c.Key] = c
	}
	return out
}

func TestBrokerSettings_Altered_AreDefaultsOfTopicsAndKept(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	cfg := Config{Dir: t.TempDir(), NodeID: 3, TopicDefaults: map[string]string{"retention.ms": "1000", "segment.bytes": "5000"}}
	b, stop := serveBroker(t, cfg)
	adm := kadm.NewClient(newClient(t, b))
	_, err := adm.CreateTopic(ctx, 1, 1, map[string]*string{"segment.bytes": new("6000")}, "own")
	require.NoError(t, err)
	check := func(adm *kadm.Client, retention string, source kmsg.ConfigSource) {
		t.Helper()
		rs, err := adm.DescribeTopicConfigs(ctx, "own")
		topic := settings(t, rs, err)
		require.Equal(t, retention, *topic["retention.ms"].Value)
		require.Equal(t, source, topic["retention.ms"].Source)
		require.Equal(t, "6000", *topic["segment.bytes"].Value)
		require.Equal(t, "1048588", *topic["max.message.bytes"].Value)
		rs, err = adm.DescribeBrokerConfigs(ctx, 3)
		broker := settings(t, rs, err)
		require.Equal(t, retention, *broker["log.retention.ms"].Value)
		require.Equal(t, "3", *broker["node.id"].Value)
		require.Equal(t, kmsg.ConfigSourceStaticBrokerConfig, broker["node.id"].Source)
		require.Equal(t, kmsg.ConfigSourceDefaultConfig, broker["num.partitions"].Source)
	}
	check(adm, "1000", kmsg.ConfigSourceStaticBrokerConfig)

	alter := func(name string, value *string, op kadm.IncrementalOp, node ...int32) error {
		rs, err := adm.AlterBrokerConfigs(ctx, []kadm.AlterConfig{{Op: op, Name: name, Value: value}}, node...)
		require.NoError(t, err)
		require.Len(t, rs, 1)
		return rs[0].Err
	}
	require.NoError(t, alter("log.retention.ms", new("2000"), kadm.SetConfig))
	check(adm, "2000", kmsg.ConfigSourceDynamicDefaultBrokerConfig)
	require.ErrorIs(t, alter("log.retention.ms", new("soon"), kadm.SetConfig), kerr.InvalidConfig)
	require.ErrorIs(t, alter("num.partitions", new("2"), kadm.SetConfig), kerr.InvalidRequest)
	require.ErrorIs(t, alter("no.such", new("2"), kadm.SetConfig), kerr.InvalidConfig)

	stop()
	b, _ = serveBroker(t, cfg)
	adm = kadm.NewClient(newClient(t, b))
	check(adm, "2000", kmsg.ConfigSourceDynamicDefaultBrokerConfig)
	require.NoError(t, alter("log.retention.ms", nil, kadm.DeleteConfig, 3))
	check(adm, "1000", kmsg.ConfigSourceStaticBrokerConfig)
}

func TestProduce_CompressionOfTheTopic_BatchesAreStoredSo(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	value := []byte(strings.Repeat("a line that compresses well; ", 2000)) // more than one block of snappy
	for i, codec := range []string{"uncompressed", "gzip", "snappy", "lz4", "zstd"} {
		for _, producer := range []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.ZstdCompression()} {
			cl := newClient(t, b, kgo.ProducerBatchCompression(producer))
			_, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 1, map[string]*string{
				"compression.type": &codec, "compression.gzip.level": new("9"), "compression.lz4.level": new("17"), "compression.zstd.level": new("-5"),
			}, codec)
			require.True(t, err == nil || errors.Is(err, kerr.TopicAlreadyExists))
			require.NoError(t, cl.ProduceSync(ctx, &kgo.Record{Topic: codec, Value: value}, &kgo.Record{Topic: codec, Value: []byte("2")}).FirstErr())
		}
		for j, r := range consume(t, newClient(t, b, kgo.ConsumeTopics(codec)), 6) {
			require.EqualValues(t, i, r.Attrs.CompressionType(), "%s, record %d", codec, j)
			require.Equal(t, int64(j), r.Offset)
			require.Len(t, r.Value, []int{len(value), 1}[j%2])
		}
	}
}

func TestListConfigResources_Kinds_TopicsAndTheBroker(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	ctx := testContext(t)
	cl := newClient(t, b)
	_, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 1, nil, "t")
	require.NoError(t, err)
	list := func(kinds ...int8) (names []string, err error) {
		req := kmsg.NewPtrListConfigResourcesRequest()
		req.ResourceTypes = kinds
		resp, err := req.RequestWith(ctx, cl)
		require.NoError(t, err)
		for _, r := range resp.ConfigResources {
			names = append(names, kmsg.ConfigResourceType(r.Type).String()+" "+r.Name)
		}
		return names, kerr.ErrorForCode(resp.ErrorCode)
	}
	names, err := list()
	require.NoError(t, err)
	require.Equal(t, []string{"TOPIC t", "BROKER 0", "BROKER_LOGGER 0"}, names)
	names, err = list(int8(kmsg.ConfigResourceTypeBroker), int8(kmsg.ConfigResourceTypeClientMetrics))
	require.NoError(t, err)
	require.Equal(t, []string{"BROKER 0"}, names)
	_, err = list(3)
	require.ErrorIs(t, err, kerr.UnsupportedVersion)
}

func TestDescribeQuorum_OneNode_IsLeaderAndVoter(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{NodeID: 7})
	req := kmsg.NewPtrDescribeQuorumRequest()
	for _, topic := range []string{metadataTopic, "t"} {
		rt := kmsg.NewDescribeQuorumRequestTopic()
		rt.Topic, rt.Partitions = topic, []kmsg.DescribeQuorumRequestTopicPartition{kmsg.NewDescribeQuorumRequestTopicPartition()}
		req.Topics = append(req.Topics, rt)
	}
	resp, err := req.RequestWith(testContext(t), newClient(t, b))
	require.NoError(t, err)
	p := resp.Topics[0].Partitions[0]
	require.Zero(t, p.ErrorCode)
	require.EqualValues(t, 7, p.LeaderID)
	require.Len(t, p.CurrentVoters, 1)
	require.EqualValues(t, 7, p.CurrentVoters[0].ReplicaID)
	require.Equal(t, kerr.UnknownTopicOrPartition.Code, resp.Topics[1].Partitions[0].ErrorCode)
}
