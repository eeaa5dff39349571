package e2e_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/testenv"
)

// A broker that was killed while its disk was full starts and serves what it
// has; with room again it takes more, and says where it answers.
func TestFullDisk_KilledBroker_ServesWhatItHas(t *testing.T) {
	t.Parallel()
	disk, listen := diskOf(t, 256), testenv.FreeAddr(t)
	args := []string{"broker", "--listen", listen, "--data", filepath.Join(disk, "d")}
	p := start(t, sightlogd, args...)
	endpoints(t, filepath.Join(disk, "d"), p)
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	client := func() *kgo.Client {
		cl, err := kgo.NewClient(kgo.SeedBrokers(listen), kgo.AllowAutoTopicCreation(), kgo.ConsumeTopics("news"))
		require.NoError(t, err)
		t.Cleanup(cl.Close)
		return cl
	}
	produce := func(value string) {
		require.NoError(t, client().ProduceSync(ctx, &kgo.Record{Topic: "news", Key: []byte("k"), Value: []byte(value)}).FirstErr())
	}
	read := func(n int) (values []string) {
		for cl := client(); len(values) < n; require.NoError(t, ctx.Err(), p.output) {
			cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
		}
		return values
	}
	produce("one")
	produce("two")

	free := testenv.FillDisk(t, disk)
	p.kill()
	p = start(t, sightlogd, args...)
	require.Equal(t, []string{"one", "two"}, read(2))

	free()
	produce("three")
	require.Equal(t, []string{"one", "two", "three"}, read(3))
	broker, _ := endpoints(t, filepath.Join(disk, "d"), p)
	require.Equal(t, listen, broker)
	require.Zero(t, p.stop(t).code, p.output)
}
