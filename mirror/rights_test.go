package mirror_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
)

// rights starts an edge where user box has those, and returns its configuration as box.
// Its sightings have ten frames of yard.
func rights(t testing.TB, of ...*kadm.ACLBuilder) (edge *site, box kafka.Config) {
	t.Helper()
	edge = newSite(t, func(c *broker.Config) {
		c.SASL, c.ACLs, c.SuperUsers = true, true, []string{"admin"}
		c.Users = map[string]string{"admin": "secret", "box": "secret"}
	})
	as := func(user string) kafka.Config {
		return kafka.Config{Brokers: edge.cfg.Brokers, SASL: "plain", SASLUser: user, SASLPassword: "secret"}
	}
	cl, err := as("admin").Client()
	require.NoError(t, err)
	defer cl.Close()
	require.NoError(t, kafka.EnsureTopics(t.Context(), cl, 1))
	require.NoError(t, cl.ProduceSync(t.Context(), frames(t, 0, 10, "yard")...).FirstErr())
	for _, b := range of {
		results, err := kadm.NewClient(cl).CreateACLs(t.Context(), b.Allow("User:box").AllowHosts().ResourcePatternType(kadm.ACLPatternLiteral))
		require.NoError(t, err)
		for _, r := range results {
			require.NoError(t, r.Err)
		}
	}
	return edge, as("box")
}

// A source with rights of its own: its positions, which tell of a circle, may not be read.
func TestMirror_SourceWithRights_NoneOnItsPositionsNeeded(t *testing.T) {
	t.Parallel()
	edge, box := rights(t, kadm.NewACLs().Topics(mirror.Topics()...).Operations(kadm.OpRead, kadm.OpAlterConfigs),
		kadm.NewACLs().Groups(mirror.Group).Operations(kadm.OpRead))
	centre := newSite(t)
	require.NoError(t, once(t, edge, centre, func(c *mirror.Config) { c.Source = box }))
	centre.requireFrames(10, "yard")
}

// The group's offsets at the source are for its lag and for what it retains; a source that
// takes none, as here and when its disk is full, is mirrored all the same, and it is said.
func TestMirror_SourceTakesNoOffsets_MirroredAndSaid(t *testing.T) {
	t.Parallel()
	edge, box := rights(t, kadm.NewACLs().Topics(mirror.Topics()...).Operations(kadm.OpRead, kadm.OpAlterConfigs),
		kadm.NewACLs().Groups(mirror.Group).Operations(kadm.OpDescribe))
	centre := newSite(t)
	m, stop := start(t, edge, centre, func(c *mirror.Config) { c.Source = box })
	awaitRecords(t, centre, kafka.Sightings, 10)
	require.Len(t, m.Problems(), 1)
	require.Contains(t, m.Problems()[0], "commit the offsets of group "+mirror.Group)
	stop()
	centre.requireFrames(10, "yard")
}
