package e2e_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
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
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
)

// securedCluster starts three nodes with all listeners, whose user has the rights that docs/kafka.md names.
func securedCluster(t *testing.T) (*kafkatest.Cluster, *kafkatest.Security) {
	t.Helper()
	security := kafkatest.NewSecurity(t)
	cluster := kafkatest.StartWith(t, 3, security.Options())
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(cluster.Addrs(), ",")...))
	require.NoError(t, err)
	defer cl.Close()
	topics := []string{kafka.Visits}
	for _, topic := range kafka.Topics() {
		topics = append(topics, topic, kafka.DeadTopic(topic))
	}
	user := []string{"User:" + kafkatest.User}
	readWrite := []kadm.ACLOperation{kadm.OpRead, kadm.OpWrite}
	for _, b := range []*kadm.ACLBuilder{
		kadm.NewACLs().Topics(topics...).Allow(user...).AllowHosts().Operations(append(readWrite, kadm.OpCreate)...),
		kadm.NewACLs().TransactionalIDs("sightlog").Allow(user...).AllowHosts().ResourcePatternType(kadm.ACLPatternPrefixed).Operations(readWrite...),
		kadm.NewACLs().Groups("sightlog-").Allow(user...).AllowHosts().ResourcePatternType(kadm.ACLPatternPrefixed).Operations(kadm.OpRead),
	} {
		results, err := kadm.NewClient(cl).CreateACLs(t.Context(), b)
		require.NoError(t, err)
		for _, r := range results {
			require.NoError(t, r.Err)
		}
	}
	return cluster, security
}

// tokenEndpoint serves tokens to the client that knows its secret, and counts them.
func tokenEndpoint(t *testing.T, s *kafkatest.Security, given *atomic.Int32) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, secret, basic := r.BasicAuth(); !basic || id != "sightlog" || secret != "hush" || r.PostFormValue("scope") != "kafka" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		given.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": s.Token(t, time.Minute), "token_type": "Bearer", "expires_in": 60})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// The same pipeline, with kills, on the bundled broker and on three nodes of Apache Kafka: by address alone, by
// client certificates, SCRAM and OAUTHBEARER. The tables hold the same, row for row.
func TestPipeline_BundledAndKafka_SameRows(t *testing.T) {
	t.Parallel()
	bundled := testenv.FreeAddr(t)
	start(t, sightlogd, "broker", "--listen", bundled, "--data", dataDir(t))
	cluster, security := securedCluster(t)
	var given atomic.Int32
	tokens := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(tokens, []byte(security.Token(t, time.Hour)+"\n"), 0o600))
	secured := func(listener string, more map[string]any) map[string]any {
		keys := map[string]any{"brokers": cluster.AddrsOf(listener), "tls": true, "tls-ca": security.CA}
		maps.Copy(keys, more)
		return keys
	}
	want := access{"bundled", map[string]any{"brokers": bundled}}.told(t, databaseURL(t), 0)
	text := strings.Join(want, "\n")
	for _, sign := range []string{`"direction":"in"`, `"direction":"out"`, "{left}"} {
		require.Contains(t, text, sign, "somebody is in the zone, and crosses the line")
	}
	all := []access{
		{"plain", map[string]any{"brokers": cluster.Addrs()}},
		{"scram", secured(kafkatest.SCRAM, map[string]any{"sasl": "scram-sha-512", "sasl-user": kafkatest.User, "sasl-password": kafkatest.Password})},
		{"mtls", secured(kafkatest.MTLS, map[string]any{"tls-cert": security.Cert, "tls-key": security.Key})},
		{"token-file", secured(kafkatest.OAUTH, map[string]any{"sasl": "oauthbearer", "sasl-token": "file:" + tokens})},
		{"token-command", secured(kafkatest.OAUTH, map[string]any{"sasl": "oauthbearer", "sasl-token": "command:cat " + tokens})},
		{"token-endpoint", secured(kafkatest.OAUTH, map[string]any{
			"sasl": "oauthbearer", "sasl-token": tokenEndpoint(t, security, &given), "sasl-user": "sightlog", "sasl-password": "hush", "sasl-scope": "kafka",
		})},
	}
	if os.Getenv("SIGHTLOG_CLUSTER") != "all" { // make test-cluster has all of them
		all = []access{all[1], all[2], all[5]}
	}
	url := databaseURL(t)
	for n, a := range all {
		began := time.Now()
		require.Equal(t, want, a.told(t, url, n), a.name)
		t.Logf("%s: the same %d rows, %.0f s", a.name, len(want), time.Since(began).Seconds())
	}
	require.Greater(t, given.Load(), int32(3), "each program asks for a token")
	requireTopics(t, cluster)
}

// requireTopics holds that the topics were made for three nodes.
func requireTopics(t *testing.T, cluster *kafkatest.Cluster) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(cluster.Addrs(), ",")...))
	require.NoError(t, err)
	defer cl.Close()
	adm := kadm.NewClient(cl)
	topics, err := adm.ListTopics(t.Context())
	require.NoError(t, err)
	names := topics.Names()
	require.Subset(t, names, slices.Concat(kafka.Topics(), []string{kafka.Visits, kafka.DeadTopic(kafka.Sightings)}))
	topics.EachPartition(func(p kadm.PartitionDetail) { require.Len(t, p.Replicas, 3, p.Topic) })
	require.Len(t, topics[kafka.Sightings].Partitions, 8)
	configs, err := adm.DescribeTopicConfigs(t.Context(), names...)
	require.NoError(t, err)
	for _, topic := range configs {
		settings := map[string]string{}
		for _, c := range topic.Configs {
			settings[c.Key] = c.MaybeValue()
		}
		require.Equal(t, "2", settings["min.insync.replicas"], topic.Name)
		want := "delete"
		switch topic.Name {
		case kafka.Runs:
			want = "compact"
		case kafka.SnapshotTopic:
			want = "compact,delete"
		}
		require.Equal(t, want, settings["cleanup.policy"], topic.Name)
	}
}

// A wrong secret is refused in words, at once, and so is what cannot be a way to log in.
func TestPipeline_WrongSecrets_RefusedInWords(t *testing.T) {
	t.Parallel()
	security := kafkatest.NewSecurity(t)
	cluster := kafkatest.StartWith(t, 1, security.Options())
	other := kafkatest.NewSecurity(t)
	var given atomic.Int32
	endpoint := tokenEndpoint(t, security, &given)
	tokens := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(tokens, []byte(other.Token(t, time.Hour)), 0o600))
	tls := func(listener string, more ...string) []string {
		return append([]string{"--brokers", cluster.AddrsOf(listener), "--tls", "--tls-ca", security.CA}, more...)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"wrong password":         {tls(kafkatest.SCRAM, "--sasl", "scram-sha-256", "--sasl-user", kafkatest.User, "--sasl-password", "guess"), "SASL_AUTHENTICATION_FAILED"},
		"no certificate":         {tls(kafkatest.MTLS), "tls: bad certificate"},
		"foreign certificate":    {tls(kafkatest.MTLS, "--tls-cert", other.Cert, "--tls-key", other.Key), "certificate"},
		"broker not trusted":     {[]string{"--brokers", cluster.AddrsOf(kafkatest.MTLS), "--tls", "--tls-ca", other.CA}, "certificate signed by unknown authority"},
		"token of another":       {tls(kafkatest.OAUTH, "--sasl", "oauthbearer", "--sasl-token", "file:"+tokens), "the brokers refuse the token of --sasl-token"},
		"no file of a token":     {tls(kafkatest.OAUTH, "--sasl", "oauthbearer", "--sasl-token", "file:"+tokens+".none"), "get a token by --sasl-token: open " + tokens + ".none: no such file"},
		"program that fails":     {tls(kafkatest.OAUTH, "--sasl", "oauthbearer", "--sasl-token", "command:echo no ticket >&2; exit 3"), "exit status 3: no ticket"},
		"program without words":  {tls(kafkatest.OAUTH, "--sasl", "oauthbearer", "--sasl-token", "command:true"), "get a token by --sasl-token: it is empty"},
		"wrong secret of client": {tls(kafkatest.OAUTH, "--sasl", "oauthbearer", "--sasl-token", endpoint, "--sasl-user", "sightlog", "--sasl-password", "guess"), "401"},
		"no token":               {tls(kafkatest.OAUTH, "--sasl", "oauthbearer"), "give --sasl-token file:PATH, command:PROGRAM"},
		"no mechanism":           {tls(kafkatest.OAUTH, "--sasl-token", "file:"+tokens), "add --sasl oauthbearer"},
		"unknown form of token":  {tls(kafkatest.OAUTH, "--sasl", "oauthbearer", "--sasl-token", tokens), "give file:PATH, command:PROGRAM or the https:// address"},
		"secret in the clear":    {tls(kafkatest.OAUTH, "--sasl", "oauthbearer", "--sasl-token", "http://192.0.2.7/token", "--sasl-user", "a", "--sasl-password", "b"), "use https://"},
		"no client":              {tls(kafkatest.OAUTH, "--sasl", "oauthbearer", "--sasl-token", "https://192.0.2.7/token"), "give the client's id and secret"},
		"no user":                {tls(kafkatest.SCRAM, "--sasl", "scram-sha-256"), "give --sasl-user"},
		"user without SASL":      {tls(kafkatest.SCRAM, "--sasl-user", "a"), "add --sasl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := do(t, sightlog, append([]string{"detect", "--source", "door=test://people?frames=2"}, c.args...)...)
			require.Equal(t, 2, r.code, r.stderr)
			require.Contains(t, r.stderr, c.want)
			last := strings.Split(strings.TrimSpace(r.stderr), "\n")
			require.Contains(t, last[len(last)-1], c.want, "in one line")
			require.NotContains(t, r.stderr, "guess")
		})
	}
}
