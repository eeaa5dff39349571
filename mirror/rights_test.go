package mirror_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
)

// A source with rights of its own: its positions, which tell of a circle, may not be read.
func TestMirror_SourceWithRights_NoneOnItsPositionsNeeded(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t, func(c *broker.Config) {
		c.SASL, c.ACLs, c.SuperUsers = true, true, []string{"admin"}
		c.Users = map[string]string{"admin": "secret", "box": "secret"}
	}), newSite(t)
	as := func(user string) kafka.Config {
		return kafka.Config{Brokers: edge.cfg.Brokers, SASL: "plain", SASLUser: user, SASLPassword: "secret"}
	}
	cl, err := as("admin").Client()
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 1))
	require.NoError(t, cl.ProduceSync(t.Context(), frames(t, 0, 10, "yard")...).FirstErr())
	for _, b := range []*kadm.ACLBuilder{
		kadm.NewACLs().Topics(mirror.Topics()...).Operations(kadm.OpRead, kadm.OpAlterConfigs),
		kadm.NewACLs().Groups(mirror.Group).Operations(kadm.OpRead),
	} {
		results, err := kadm.NewClient(cl).CreateACLs(t.Context(), b.Allow("User:box").AllowHosts().ResourcePatternType(kadm.ACLPatternLiteral))
		require.NoError(t, err)
		for _, r := range results {
			require.NoError(t, r.Err)
		}
	}
	require.NoError(t, once(t, edge, centre, func(c *mirror.Config) { c.Source = as("box") }))
	centre.requireFrames(10, "yard")
}
