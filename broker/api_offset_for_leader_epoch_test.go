package broker

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/testenv"
)

// restartable is a broker on one address and directory, with a consumer of its
// one topic that stays while it is restarted.
type restartable struct {
	*testing.T
	dir, addr string
	b         *Broker
	stop      func()
	cl        *kgo.Client
	produced  int
}

func newRestartable(t *testing.T) *restartable {
	t.Helper()
	r := &restartable{T: t, dir: t.TempDir(), addr: testenv.FreeAddr(t)}
	r.start()
	r.produce(20)
	r.cl = newClient(t, r.b, kgo.ConsumeTopics("t"), kgo.MetadataMinAge(10*time.Millisecond))
	consume(t, r.cl, 20)
	return r
}

// start starts the broker, in another second than the last: epochs are such.
func (r *restartable) start() {
	r.Helper()
	r.b, r.stop = serveBroker(r, Config{Dir: r.dir, Listen: r.addr, DefaultPartitions: 1})
	r.addr = r.b.Addr()
}

func (r *restartable) produce(n int) {
	r.Helper()
	cl := newClient(r, r.b)
	defer cl.Close()
	for range n {
		require.NoError(r, cl.ProduceSync(testContext(r), record("t", r.produced)).FirstErr())
		r.produced++
	}
}

// lost polls until the client reports lost records, and returns where it
// resumed.
func (r *restartable) lost() int64 {
	r.Helper()
	for ctx := testContext(r); ; {
		fs := r.cl.PollFetches(ctx)
		require.NoError(r, ctx.Err())
		for _, e := range fs.Errors() {
			if loss, ok := errors.AsType[*kgo.ErrDataLoss](e.Err); ok {
				return loss.ResetTo
			}
		}
	}
}

func TestRestart_SameLog_ConsumerReadsOn(t *testing.T) {
	t.Parallel()
	r := newRestartable(t)
	for range 3 {
		before := r.b.store.Epoch()
		r.stop()
		r.start()
		require.Greater(t, r.b.store.Epoch(), before)
		r.produce(5)
		got := consume(t, r.cl, 5) // fails on an error such as lost records
		require.Equal(t, r.b.store.Epoch(), got[4].LeaderEpoch)
	}
}

// The older copy grows past the offset that the consumer was at while it is
// away: only the epochs tell that it is another log.
func TestRestart_OlderCopyGrownPast_ConsumerDetectsIt(t *testing.T) {
	t.Parallel()
	r := newRestartable(t)
	r.stop()
	older := t.TempDir()
	require.NoError(t, os.CopyFS(older, os.DirFS(r.dir)))
	r.start()
	r.produce(30)
	consume(t, r.cl, 30)
	r.stop()
	awaitNextEpoch(t, r.b.store.Epoch())

	r.dir = older
	addr := r.addr
	r.addr = "127.0.0.1:0" // out of the consumer's sight
	r.start()
	r.produce(50)
	r.stop()
	r.addr = addr
	r.start()
	require.Equal(t, int64(20), r.lost(), "where the copy was made")
}

// awaitNextEpoch waits until the clock gives another epoch: nobody puts a copy
// back and starts it in the second in which the log itself was started.
func awaitNextEpoch(t *testing.T, epoch int32) {
	t.Helper()
	for time.Now().Unix()-1_577_836_800 <= int64(epoch) {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

func TestListOffsets_Restarted_EpochOfTheRecord(t *testing.T) {
	t.Parallel()
	r := newRestartable(t)
	first := r.b.store.Epoch()
	r.stop()
	r.start()
	r.produce(1)
	adm := kadm.NewClient(newClient(t, r.b))
	starts, err := adm.ListStartOffsets(t.Context(), "t")
	require.NoError(t, err)
	start, _ := starts.Lookup("t", 0)
	require.Equal(t, first, start.LeaderEpoch)
	ends, err := adm.ListEndOffsets(t.Context(), "t")
	require.NoError(t, err)
	end, _ := ends.Lookup("t", 0)
	require.Equal(t, int64(21), end.Offset)
	require.Equal(t, r.b.store.Epoch(), end.LeaderEpoch)
}
