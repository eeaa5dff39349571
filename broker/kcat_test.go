package broker

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/stretchr/testify/require"
)

// kcat runs librdkafka's command line client.
func kcat(t *testing.T, in string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("kcat")
	if err != nil {
		testenv.Skip(t, "kcat is not installed")
	}
	cmd := exec.CommandContext(testContext(t), path, args...)
	cmd.Stdin = strings.NewReader(in)
	var out, diag bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &diag
	require.NoError(t, cmd.Run(), "kcat %v: %s", args, &diag)
	return out.String()
}

func TestKcat_ProduceAndConsume_Work(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	var in strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&in, "a line that compresses well, well, well: %d\n", i)
	}
	plain := topicSize(t, b, kcatRoundTrip(t, b, "none", in.String()))
	for _, codec := range []string{"gzip", "snappy", "lz4", "zstd"} {
		topic := kcatRoundTrip(t, b, codec, in.String())
		require.Less(t, topicSize(t, b, topic), plain/2, "%s compresses", codec)
	}
	require.Contains(t, kcat(t, "", "-b", b.Addr(), "-L"), `topic "zstd" with 1 partitions`)
}

func kcatRoundTrip(t *testing.T, b *Broker, codec, in string) (topic string) {
	t.Helper()
	kcat(t, in, "-b", b.Addr(), "-P", "-t", codec, "-z", codec)
	require.Equal(t, in, kcat(t, "", "-b", b.Addr(), "-C", "-t", codec, "-e", "-q"), codec)
	return codec
}

func topicSize(t *testing.T, b *Broker, topic string) (n int64) {
	t.Helper()
	for _, p := range b.topics.byName(topic).partitions() {
		n += p.log.Size()
	}
	return n
}

func TestKcat_GroupAndTransaction_Work(t *testing.T) {
	t.Parallel()
	b, _ := serveBroker(t, Config{})
	kcat(t, "a\nb\nc\n", "-b", b.Addr(), "-P", "-t", "x", "-X", "transactional.id=k")
	out := kcat(t, "", "-b", b.Addr(), "-G", "g", "-X", "auto.offset.reset=earliest", "-c", "3", "-q", "x")
	require.Equal(t, "a\nb\nc\n", out)
}
