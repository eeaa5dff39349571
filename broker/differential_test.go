package broker

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"sort"
	"testing"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// The same random requests are sent to this broker and to kfake. The answers must be
// equal, except for the parts that blank removes:
//
//   - ids that each makes for itself: cluster, topics, producers, members;
//   - hosts and ports, node ids and leader epochs, those in batches too: each
//     side is asked about its own;
//   - the texts of errors;
//   - throttle times and versions;
//   - settings that one has and the other has not;
//   - what stands beside an error's code, but the partition;
//   - the metadata of an offset that was committed without, null or empty.
//
// and these deliberate differences, which the requests stay clear of, where this
// broker does as Kafka does:
//
//   - kfake answers one batch's first offset to a search for a timestamp inside
//     it, this broker the record's;
//   - kfake takes any topic name and any value of a setting;
//   - kfake answers GROUP_ID_NOT_FOUND to a heartbeat in, and a fetch of offsets
//     of, a group that is not there; this broker UNKNOWN_MEMBER_ID and no offsets;
//   - kfake refuses to delete records before the start, and takes a number of
//     partitions that a topic has already;
//   - kfake has fetch sessions;
//   - kfake takes records without keys into compacted topics;
//   - kfake gives a member that joins by version 0 no time to rebalance, and
//     answers ILLEGAL_GENERATION to a commit of no member in an empty group, this
//     broker UNKNOWN_MEMBER_ID;
//   - kfake takes the end of a transaction that is not open, batches of Produce
//     v11 for a partition that is not in the open transaction, and adds one that
//     it refuses by v12; without a transaction it does not look at epochs;
//   - kfake calls an ended transaction Empty, not CompleteCommit or
//     CompleteAbort, and writes a fenced producer's marker with the old epoch;
//   - kfake holds back all offsets of a group while one is in a transaction, this
//     broker that one.
func TestTopics_RandomRequests_AnswersEqualKfake(t *testing.T) {
	t.Parallel()
	d := newDifferential(t)
	for i := range 3 { // the groups are there from the start
		d.createTopic("first", 1)
		commit := d.offsetCommit()
		req := commit.(pinned).Request.(*kmsg.OffsetCommitRequest)
		req.Group, req.Topics[0].Topic, req.Topics[0].Partitions[0].Partition = fmt.Sprintf("g%d", i), "first", 0
		d.compare(commit)
	}
	for range 600 {
		d.step()
	}
	t.Logf("%d requests of %d kinds", d.sent, len(d.kinds))
}

type differential struct {
	t            *testing.T
	rng          *rand.Rand
	ours, theirs *side
	sent         int
	kinds        map[int16]int
}

// side is one of the two brokers, and the ids that it gave.
type side struct {
	cl      *kgo.Client
	other   *kgo.Client // for what waits
	members [2]string
	pid     int64
	epoch   int32 // of every partition
}

func newDifferential(t *testing.T) *differential {
	t.Helper()
	b, _ := serveBroker(t, Config{NoAutoCreate: true, GroupMinSession: 100 * time.Millisecond})
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(100*time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(fake.Close)
	dial := func(addr string) *kgo.Client {
		cl, err := kgo.NewClient(kgo.SeedBrokers(addr), kgo.RequestRetries(0), kgo.DisableClientMetrics())
		require.NoError(t, err)
		t.Cleanup(cl.Close)
		return cl
	}
	connect := func(addr string) *side { return &side{cl: dial(addr), other: dial(addr)} }
	d := &differential{
		t: t, rng: rand.New(rand.NewPCG(1, 2)), kinds: map[int16]int{},
		ours: connect(b.Addr()), theirs: connect(fake.ListenAddrs()[0]),
	}
	d.ours.epoch = b.store.Epoch()
	return d
}

func (d *differential) createTopic(name string, partitions int32) {
	create := d.createTopics().(*kmsg.CreateTopicsRequest)
	create.Topics[0].Topic, create.Topics[0].NumPartitions, create.ValidateOnly = name, partitions, false
	d.compare(create)
}

func (d *differential) topic() string { return fmt.Sprintf("t%d", d.rng.IntN(4)) }
func (d *differential) group() string { return fmt.Sprintf("g%d", d.rng.IntN(3)) }

// step sends one request to both.
func (d *differential) step() {
	makers := []func() kmsg.Request{
		d.createTopics, d.deleteTopics, d.createPartitions, d.metadata, d.listOffsets,
		d.produce, d.produce, d.produce, d.fetch, d.fetch, d.offsetCommit, d.offsetFetch,
		d.deleteRecords, d.alterConfigs, d.describeGroups, d.listGroups, d.deleteGroups,
		d.endTxn, d.leaderEpoch, d.findCoordinator,
	}
	d.compare(makers[d.rng.IntN(len(makers))]())
}

// compare sends one request to both.
func (d *differential) compare(req kmsg.Request) {
	d.t.Helper()
	d.both(func(s *side) kmsg.Request {
		if r, ok := req.(*kmsg.OffsetForLeaderEpochRequest); ok {
			r.Topics[0].Partitions[0].LeaderEpoch = s.epoch
		}
		return req
	}, func(_ *side, resp kmsg.Response) {
		if r, ok := resp.(*kmsg.FetchResponse); ok {
			for _, t := range r.Topics {
				for _, p := range t.Partitions {
					blankEpochs(p.RecordBatches)
				}
			}
		}
	})
}

// both sends each side its request, lets learn look at the answers, and
// compares them.
func (d *differential) both(request func(*side) kmsg.Request, learn func(*side, kmsg.Response)) {
	d.t.Helper()
	ask := func(s *side) kmsg.Response {
		resp, err := s.cl.SeedBrokers()[0].Request(testContext(d.t), request(s))
		require.NoError(d.t, err)
		if learn != nil {
			learn(s, resp)
		}
		return resp
	}
	d.same(request(d.ours), ask(d.theirs), ask(d.ours))
}

// same says that the answers to req are the same.
func (d *differential) same(req kmsg.Request, want, got kmsg.Response) {
	d.t.Helper()
	blank(reflect.ValueOf(want))
	blank(reflect.ValueOf(got))
	d.sent++
	d.kinds[req.Key()]++
	require.Equal(d.t, want, got, "request %d: %s %+v", d.sent, kmsg.NameForKey(req.Key()), req)
}

// blanked are the fields that are not compared.
var blanked = map[string]bool{
	"ClusterID": true, "TopicID": true, "MemberID": true, "NodeID": true, "Host": true, "Port": true,
	"Leader": true, "LeaderEpoch": true, "LeaderID": true, "ControllerID": true, "Replicas": true, "ISR": true,
	"ErrorMessage": true, "ThrottleMillis": true, "Rack": true, "SessionID": true, "Configs": true,
	"AuthorizedOperations": true, "Brokers": true, "CurrentLeader": true, "DivergingEpoch": true,
	"ProducerID": true, "ClientHost": true, "StartTimestamp": true, "LogAppendTime": true, "Version": true, "Metadata": true,
}

// blank sets the fields that are not compared to zero and sorts lists by name.
func blank(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			blank(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			blank(v.Index(i))
		}
		sortByPartition(v)
		if v.Len() == 0 && v.CanSet() {
			v.SetZero() // nil and empty are the same on the wire
		}
	case reflect.Struct:
		failed := v.FieldByName("ErrorCode").IsValid() && v.FieldByName("ErrorCode").Int() != 0
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if failed && name != "ErrorCode" && name != "Partition" && v.Field(i).Kind() == reflect.Int64 {
				v.Field(i).SetZero()
			}
			if failed && (name == "NumPartitions" || name == "ReplicationFactor") {
				v.Field(i).SetZero()
			}
			if blanked[v.Type().Field(i).Name] {
				v.Field(i).SetZero()
			} else if v.Field(i).CanSet() {
				blank(v.Field(i))
			}
		}
	}
}

// blankEpochs zeroes the leader epochs of record batches.
func blankEpochs(batches []byte) {
	for p := storage.Batch(batches); len(p) > 0; p = p[p.Size():] {
		clear(p[12:16])
	}
}

func sortByPartition(v reflect.Value) {
	of := func(e reflect.Value) int64 {
		switch {
		case e.Kind() == reflect.Int32:
			return e.Int()
		case e.Type() == reflect.TypeFor[kmsg.JoinGroupResponseMember]():
			return int64(e.FieldByName("ProtocolMetadata").Bytes()[0])
		}
		if e.Kind() == reflect.Struct && e.FieldByName("Partition").IsValid() {
			return e.FieldByName("Partition").Int()
		}
		return 0
	}
	sort.SliceStable(v.Interface(), func(i, j int) bool { return of(v.Index(i)) < of(v.Index(j)) })
}
