package broker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// heldTopic creates a topic whose segments have a record each, which holds about eight of
// them for a group.
func heldTopic(t testing.TB, adm *kadm.Client, group string) {
	t.Helper()
	r, err := adm.CreateTopic(testContext(t), 1, 1, map[string]*string{
		"retention.hold.groups": &group, "retention.bytes": new("8000"), "segment.bytes": new("1000"),
	}, "held")
	require.NoError(t, err)
	require.NoError(t, r.Err)
}

// fillHeld produces records of about a segment each until one is refused, and returns how many
// were accepted.
func fillHeld(t testing.TB, cl *kgo.Client) (n int, err error) {
	t.Helper()
	for ; n < 40; n++ {
		r := record("held", n)
		r.Value = make([]byte, 900)
		if err := cl.ProduceSync(testContext(t), r).FirstErr(); err != nil {
			return n, err
		}
	}
	return n, nil
}

func commitHeld(t testing.TB, adm *kadm.Client, group string, at int64) {
	t.Helper()
	var offsets kadm.Offsets
	offsets.AddOffset("held", 0, at, -1)
	require.NoError(t, adm.CommitAllOffsets(testContext(t), group, offsets))
}

func TestHold_GroupHasNotRead_NothingExpiresAndWritesWait(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{Dir: t.TempDir(), CleanInterval: time.Hour})
	cl := newClient(t, b, kgo.RecordRetries(0), kgo.ProducerBatchCompression(kgo.NoCompression()))
	adm := kadm.NewClient(cl)
	heldTopic(t, adm, "mirror")
	log := b.topics.byName("held").partition(0).log
	n, err := fillHeld(t, cl)
	require.ErrorIs(t, err, kerr.KafkaStorageError)
	require.Equal(t, 10, n, "of 970 bytes: retention.bytes and a segment")
	size := log.Size()
	require.Less(t, size, int64(8000+2000))
	require.Len(t, b.fullOfHeld(), 1)
	require.Contains(t, b.Problem(), "topic held partition 0 has the bytes of its retention.bytes (8000), and mirror")
	later := time.Now().Add(365 * 24 * time.Hour)
	b.cleanOnce(t.Context(), later)
	require.Equal(t, size, log.Size(), "neither by age nor by size")

	commitHeld(t, adm, "mirror", 4)
	require.Empty(t, b.Problem())
	more, err := fillHeld(t, cl)
	require.ErrorIs(t, err, kerr.KafkaStorageError)
	require.Equal(t, 4, more, "as many as were read, though they have not been removed yet")
	b.cleanOnce(t.Context(), time.Now())
	require.EqualValues(t, 4, log.Start())
	require.Equal(t, size, log.Size())
	b.cleanOnce(t.Context(), later)
	require.EqualValues(t, 4, log.Start(), "by age neither")
	commitHeld(t, adm, "another", 1) // deletions before it are done, too
	offset, ok := b.groups.Offset("mirror", "held/0")
	require.True(t, ok, "of a group that holds the offsets do not expire")
	require.EqualValues(t, 4, offset.Offset)
}

func TestHold_GroupGivenUp_OldestExpire(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{Dir: t.TempDir(), CleanInterval: time.Hour})
	cl := newClient(t, b, kgo.RecordRetries(0), kgo.ProducerBatchCompression(kgo.NoCompression()))
	adm := kadm.NewClient(cl)
	heldTopic(t, adm, "mirror,other")
	commitHeld(t, adm, "mirror", 7)
	_, err := fillHeld(t, cl)
	require.ErrorIs(t, err, kerr.KafkaStorageError, "the other has read nothing")
	_, err = adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{
		{Op: kadm.SubtractConfig, Name: "retention.hold.groups", Value: new("other")},
	}, "held")
	require.NoError(t, err)
	n, err := fillHeld(t, cl)
	require.ErrorIs(t, err, kerr.KafkaStorageError)
	require.Equal(t, 7, n)
	_, err = adm.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{
		{Op: kadm.SubtractConfig, Name: "retention.hold.groups", Value: new("mirror")},
	}, "held")
	require.NoError(t, err)
	n, err = fillHeld(t, cl)
	require.NoError(t, err)
	require.Equal(t, 40, n)
	b.cleanOnce(t.Context(), time.Now())
	require.Less(t, b.topics.byName("held").partition(0).log.Size(), int64(8000+2000))
}
