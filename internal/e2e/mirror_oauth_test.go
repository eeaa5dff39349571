package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
)

// bearer is a node of Apache Kafka that lets in those who have a token, and what its user may do there.
type bearer struct {
	*kafkatest.Cluster
	*kafkatest.Security
}

func startBearer(t *testing.T, rights ...*kadm.ACLBuilder) bearer {
	t.Helper()
	security := kafkatest.NewSecurity(t)
	b := bearer{kafkatest.StartWith(t, 1, security.Options()), security}
	for _, r := range rights {
		results, err := kadm.NewClient(b.superuser(t)).CreateACLs(t.Context(), r.Allow("User:"+kafkatest.User).AllowHosts())
		require.NoError(t, err)
		for _, r := range results {
			require.NoError(t, r.Err)
		}
	}
	return b
}

// superuser is a client that may do everything.
func (b bearer) superuser(t *testing.T, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(b.Addrs()))...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// flags are those of the way in, with what is before their names.
func (b bearer) flags(prefix string, token ...string) []string {
	return append([]string{prefix + "tls", prefix + "tls-ca=" + b.CA, prefix + "sasl=oauthbearer"}, token...)
}

// committed are the keys and values of a topic, in the order of the camera.
func (b bearer) committed(t *testing.T, topic string) (all []string) {
	t.Helper()
	cfg := kafka.Config{Brokers: strings.Split(b.Addrs(), ",")}
	details, err := kadm.NewClient(b.superuser(t)).ListTopics(t.Context(), topic)
	require.NoError(t, err)
	require.NoError(t, kafka.ReadPartitions(t.Context(), cfg, topic, details[topic].Partitions.Numbers(), func(r *kgo.Record) error {
		all = append(all, string(r.Key)+" "+string(r.Value))
		return nil
	}))
	return all
}

// A mirror between two clusters that know tokens of their own alone, with the rights that docs/edge.md names: at the
// source a token of a file, at the target one of an endpoint; both ask for a new login every few seconds. It is killed, and
// the target has each record once and in order.
func TestMirror_OAuthBearerAtBothEnds_EachRecordOnceInOrder(t *testing.T) {
	t.Parallel()
	readWrite := []kadm.ACLOperation{kadm.OpRead, kadm.OpWrite}
	topics := mirror.Topics()
	for _, topic := range kafka.Topics() {
		topics = append(topics, kafka.DeadTopic(topic))
	}
	edge := startBearer(t,
		kadm.NewACLs().Topics(topics...).Operations(append(readWrite, kadm.OpCreate, kadm.OpAlterConfigs)...),
		kadm.NewACLs().TransactionalIDs("sightlog").ResourcePatternType(kadm.ACLPatternPrefixed).Operations(kadm.OpWrite),
		kadm.NewACLs().Groups(mirror.Group).Operations(kadm.OpRead),
	)
	centre := startBearer(t,
		kadm.NewACLs().Topics(topics...).Operations(kadm.OpWrite, kadm.OpCreate),
		kadm.NewACLs().Topics(mirror.Positions).Operations(append(readWrite, kadm.OpCreate)...),
		kadm.NewACLs().TransactionalIDs(mirror.Group).ResourcePatternType(kadm.ACLPatternPrefixed).Operations(kadm.OpWrite),
	)
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte(edge.Token(t, time.Hour)), 0o600))
	var given atomic.Int32
	endpoint := tokenEndpoint(t, centre.Security, &given)
	atEdge := append([]string{"--brokers", edge.AddrsOf(kafkatest.OAUTH)}, edge.flags("--", "--sasl-token=file:"+token)...)
	into := append([]string{"--into", centre.AddrsOf(kafkatest.OAUTH)}, centre.flags("--into-",
		"--into-sasl-token="+endpoint, "--into-sasl-user=sightlog", "--into-sasl-password=hush", "--into-sasl-scope=kafka")...)
	detect := append([]string{"detect", "--source", "hall=test://people?frames=200&fps=20"}, atEdge...)
	args := append(append([]string{"mirror"}, atEdge...), into...)

	d := start(t, sightlog, detect...)
	m := start(t, sightlogd, append(args, "--wait")...)
	await := func(n int32, frames int) {
		t.Helper()
		require.Eventually(t, func() bool {
			return m.ended() || given.Load() >= n && offsetsIn(t, kafka.Sightings, "--brokers", centre.Addrs()) >= frames
		}, limit, tick, "%s\n%s", m.output, d.output)
		require.False(t, m.ended(), m.output)
	}
	await(2, 30) // tokens: the first connections, and those again that asked for a new one
	m.kill()
	before := given.Load()
	m = start(t, sightlogd, append(args, "--wait")...)
	await(before+2, 60)
	require.Zero(t, d.wait(t).code, d.output)
	ok(t, sightlog, append(detect, "--pace", "fast")...) // and a run more
	require.Zero(t, m.stop(t).code, m.output)
	ok(t, sightlogd, append(args, "--once")...)

	frames := edge.committed(t, kafka.Sightings)
	require.Len(t, frames, 400)
	require.Equal(t, frames, centre.committed(t, kafka.Sightings))
	require.ElementsMatch(t, edge.committed(t, kafka.Runs), centre.committed(t, kafka.Runs))

	// A token of the source is none at the target.
	other := append(append([]string{"mirror"}, atEdge...), "--into", centre.AddrsOf(kafkatest.OAUTH))
	for from, want := range map[string]string{
		"file:" + token: "the brokers refuse the token of --into-sasl-token",
		"nowhere":       `--into-sasl-token "nowhere"; give file:PATH`,
	} {
		r := do(t, sightlogd, slices.Concat(other, centre.flags("--into-", "--into-sasl-token="+from))...)
		require.Equal(t, 2, r.code, r.stderr)
		require.Contains(t, r.stderr, want)
	}
}
