package mirror_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
)

// set sets a setting of the sightings.
func (s *site) set(name, value string) {
	s.Helper()
	rs, err := kadm.NewClient(s.cl).AlterTopicConfigs(s.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, kafka.Sightings)
	require.NoError(s, err)
	require.NoError(s, rs[0].Err)
}

// waitsFor waits until the mirror has a problem with these words.
func waitsFor(t testing.TB, m *mirror.Mirror, words ...string) {
	t.Helper()
	testenv.Await(t, strings.Join(words, " and "), func() bool {
		for _, w := range words {
			if !strings.Contains(strings.Join(m.Problems(), "\n"), w) {
				return false
			}
		}
		return true
	})
}

// refuses runs a mirror into a centre that refuses some records, and says how to let them pass.
func refuses(t *testing.T, centre *site) {
	t.Helper()
	edge := newSite(t).withTopics(1)
	centre.withTopics(2)
	edge.set("message.timestamp.after.max.ms", "86400000000")
	edge.fill(0, 100, "yard")
	ahead := frames(t, 100, 150, "yard")
	for _, r := range ahead {
		r.Timestamp = r.Timestamp.Add(3 * time.Hour) // the box's clock was wrong for a while
	}
	edge.produce(ahead...)
	edge.fill(150, 200, "yard")
	m, _ := start(t, edge, centre)
	waitsFor(t, m, "INVALID_TIMESTAMP", "set message.timestamp.after.max.ms of the target's topics higher")
	centre.set("message.timestamp.after.max.ms", "86400000000")
	testenv.Await(t, "all", func() bool { return edge.mirrored() == 200 })
	centre.requireFrames(200, "yard")

	centre.set("max.message.bytes", "300")
	edge.fill(200, 203, "yard")
	waitsFor(t, m, "MESSAGE_TOO_LARGE", "set max.message.bytes of the target's topics higher")
	centre.set("max.message.bytes", "1000000")
	testenv.Await(t, "all", func() bool { return edge.mirrored() == 203 })
	centre.requireFrames(203, "yard")
}

func TestMirror_CentreRefusesRecords_WaitsAndSaysWhatLetsThemPass(t *testing.T) {
	t.Parallel()
	refuses(t, newSite(t))
}

func TestMirror_ApacheKafkaRefusesRecords_WaitsAndSaysWhatLetsThemPass(t *testing.T) {
	t.Parallel()
	refuses(t, siteAt(t, kafkatest.Start(t, 1).Addrs()))
}
