package broker

import (
	"sync"
	"testing"
	"time"

	"github.com/sightlog/sightlog/broker/storage"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// stuckFS is the operating system's filesystem, whose syncs of files do not
// return while it is stuck.
type stuckFS struct {
	storage.OSFS
	mu      sync.Mutex
	release chan struct{} // nil: not stuck
	waiting chan struct{} // one value for each sync that is held up
}

type stuckFile struct {
	storage.File
	fs *stuckFS
}

func newStuckFS() *stuckFS { return &stuckFS{waiting: make(chan struct{}, 1000)} }

func (f *stuckFS) OpenFile(name string, flag int) (storage.File, error) {
	file, err := f.OSFS.OpenFile(name, flag)
	return stuckFile{file, f}, err
}

func (f stuckFile) Datasync() error {
	f.fs.mu.Lock()
	release := f.fs.release
	f.fs.mu.Unlock()
	if release != nil {
		f.fs.waiting <- struct{}{}
		<-release
	}
	return f.File.Datasync()
}

// stick makes the syncs that begin from now on wait until unstick is called.
func (f *stuckFS) stick(t testing.TB) (unstick func()) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	release := make(chan struct{})
	f.release = release
	var once sync.Once
	unstick = func() {
		once.Do(func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.release = nil
			close(release)
		})
	}
	t.Cleanup(unstick) // before the broker's stop, which was registered first
	return unstick
}

// initRaw gives a transactional id a producer.
func initRaw(t testing.TB, cl *kgo.Client, id *string, timeout time.Duration) *kmsg.InitProducerIDResponse {
	t.Helper()
	req := kmsg.NewPtrInitProducerIDRequest()
	req.TransactionalID, req.TransactionTimeoutMillis = id, int32(timeout.Milliseconds())
	resp, err := req.RequestWith(testContext(t), cl)
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(resp.ErrorCode))
	return resp
}

// onConn sends a request to the broker on a connection of its own.
func onConn[R kmsg.Response](t testing.TB, b *Broker, req kmsg.Request) (resp R) {
	t.Helper()
	got, err := newClient(t, b).SeedBrokers()[0].Request(testContext(t), req)
	require.NoError(t, err)
	return got.(R)
}

// The disk hangs while a transaction that timed out is being aborted. All other
// timers go off at their time, and what only reads is answered.
func TestTimers_DiskHangsInAnAbort_OthersRun(t *testing.T) {
	t.Parallel()
	fs := newStuckFS()
	b, _ := serveBroker(t, Config{FS: fs, GroupMinSession: time.Millisecond})
	ctx := testContext(t)
	cl := newClient(t, b)
	_, err := kadm.NewClient(cl).CreateTopic(ctx, 1, 1, nil, "t")
	require.NoError(t, err)
	id := "camera"
	p := initRaw(t, cl, &id, 300*time.Millisecond)
	add := kmsg.NewPtrAddPartitionsToTxnRequest()
	add.TransactionalID, add.ProducerID, add.ProducerEpoch = id, p.ProducerID, p.ProducerEpoch
	at := kmsg.NewAddPartitionsToTxnRequestTopic()
	at.Topic, at.Partitions = "t", []int32{0}
	add.Topics = append(add.Topics, at)
	_, err = add.RequestWith(ctx, cl)
	require.NoError(t, err)
	unstick := fs.stick(t)
	// While a transaction is being ended, what would change it is refused.
	require.Eventually(t, func() bool {
		resp, err := add.RequestWith(ctx, cl)
		require.NoError(t, err)
		return resp.Topics[0].Partitions[0].ErrorCode == kerr.ConcurrentTransactions.Code
	}, 30*time.Second, time.Millisecond)

	// The session of a member that goes away ends.
	b.joinOnce(t, "g", 50*time.Millisecond)
	require.Eventually(t, func() bool { return b.groupState(t, "g") == "Dead" }, 30*time.Second, time.Millisecond)
	meta := onConn[*kmsg.MetadataResponse](t, b, kmsg.NewPtrMetadataRequest())
	require.NotEmpty(t, meta.Brokers)

	unstick()
	require.Eventually(t, func() bool { return b.txnState(t, id) == "CompleteAbort" }, 30*time.Second, time.Millisecond)
}

// groupState returns a group's state, as DescribeGroups answers it.
func (b *Broker) groupState(t testing.TB, group string) string {
	t.Helper()
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{group}
	return onConn[*kmsg.DescribeGroupsResponse](t, b, req).Groups[0].State
}

// txnState returns a transaction's state, as DescribeTransactions answers it; "" if
// there is none.
func (b *Broker) txnState(t testing.TB, id string) string {
	t.Helper()
	req := kmsg.NewPtrDescribeTransactionsRequest()
	req.TransactionalIDs = []string{id}
	return onConn[*kmsg.DescribeTransactionsResponse](t, b, req).TransactionStates[0].State
}

// joinOnce makes a client a member of a group that is never heard of again.
func (b *Broker) joinOnce(t testing.TB, group string, session time.Duration) {
	t.Helper()
	req := kmsg.NewPtrJoinGroupRequest()
	req.Version = 0
	req.Group, req.SessionTimeoutMillis, req.ProtocolType = group, int32(session.Milliseconds()), "consumer"
	rp := kmsg.NewJoinGroupRequestProtocol()
	rp.Name = "range"
	req.Protocols = append(req.Protocols, rp)
	resp := onConn[*kmsg.JoinGroupResponse](t, b, pinned{req, 0})
	require.Zero(t, resp.ErrorCode)
}

// A group whose offsets are being deleted, and producer ids that are being
// reserved, are locked for nobody while the disk hangs.
func TestBroker_DiskHangs_NoLockHeld(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]func() kmsg.Request{
		"producer id": func() kmsg.Request {
			req := kmsg.NewPtrInitProducerIDRequest()
			req.TransactionTimeoutMillis = 1000
			return req
		},
		"delete group": func() kmsg.Request {
			req := kmsg.NewPtrDeleteGroupsRequest()
			req.Groups = []string{"g"}
			return req
		},
		"delete offsets": func() kmsg.Request {
			req := kmsg.NewPtrOffsetDeleteRequest()
			req.Group = "g"
			rt := kmsg.NewOffsetDeleteRequestTopic()
			rt.Topic = "t"
			rt.Partitions = append(rt.Partitions, kmsg.NewOffsetDeleteRequestTopicPartition())
			req.Topics = append(req.Topics, rt)
			return req
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs := newStuckFS()
			b, _ := serveBroker(t, Config{FS: fs, GroupMinSession: time.Millisecond})
			ctx := testContext(t)
			adm := kadm.NewClient(newClient(t, b))
			_, err := adm.CreateTopic(ctx, 1, 1, nil, "t")
			require.NoError(t, err)
			var offsets kadm.Offsets
			offsets.Add(kadm.Offset{Topic: "t", At: 1})
			require.NoError(t, adm.CommitAllOffsets(ctx, "g", offsets))
			b.joinOnce(t, "g", 50*time.Millisecond) // it is in memory too
			require.Eventually(t, func() bool { return b.groupState(t, "g") == "Empty" }, 30*time.Second, time.Millisecond)
			unstick := fs.stick(t)
			done := make(chan error, 1)
			cl := newClient(t, b)
			req := request()
			go func() {
				_, err := cl.Request(ctx, req)
				done <- err
			}()
			<-fs.waiting
			require.Equal(t, "Empty", b.groupState(t, "g"))
			require.Empty(t, b.txnState(t, "x"))
			require.Empty(t, done)
			unstick()
			require.NoError(t, <-done)
		})
	}
}
