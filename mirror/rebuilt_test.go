package mirror_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/mirror"
)

// A centre that was built again, empty, under the address of the one before gets all that
// the edge has. Tables that were kept get no row twice.
func TestMirror_CentreRebuilt_GetsAllAgain(t *testing.T) {
	t.Parallel()
	for name, running := range map[string]bool{"mirror runs": true, "mirror was stopped": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edge, centre := newSite(t).withTopics(3), newSite(t)
			cameras := []string{"porch", "yard", "gate"}
			kept := newTables(t)
			stopSink := centre.sinkInto(kept)
			_, stop := start(t, edge, centre)
			edge.fill(0, 500, cameras...)
			kept.requireFrames(500, cameras...)
			stopSink()
			if !running {
				stop()
			}
			centre.Stop()
			centre.PutBack(newSite(t).stopped().Copy()) // an empty log, of another cluster
			centre.Start()
			if !running {
				start(t, edge, centre)
			}
			edge.fill(500, 700, cameras...)
			fresh := newTables(t)
			centre.sinkInto(fresh)
			fresh.requireFrames(700, cameras...)
			centre.sinkAs("kept", kept)
			kept.requireFrames(700, cameras...)
			centre.requireFrames(700, cameras...)
		})
	}
}

// stopped stops the broker of a site.
func (s *site) stopped() *site {
	s.Helper()
	s.Stop()
	return s
}

// A centre that was put back to an older copy has the positions of that copy.
func TestMirror_OlderCopyOfTheCentre_GoesOnFromIt(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(2), newSite(t)
	_, stop := start(t, edge, centre)
	edge.fill(0, 300, "porch", "yard")
	testenv.Await(t, "the first", func() bool { return edge.mirrored() == 600 })
	stop()
	copied := centre.stopped().Copy()
	centre.Start()
	start(t, edge, centre)
	edge.fill(300, 500, "porch", "yard")
	testenv.Await(t, "the second", func() bool { return edge.mirrored() == 1000 })
	centre.Stop()
	centre.PutBack(copied)
	centre.Start()
	edge.fill(500, 600, "porch", "yard") // while the mirror runs
	testenv.Await(t, "all", func() bool { return centre.end(kafka.Sightings) >= 1200 && edge.mirrored() == 1200 })
	centre.requireFrames(600, "porch", "yard")
}

// An edge that was put back to an older copy has another history than the centre.
func TestMirror_OlderCopyOfTheEdge_StopsUntilAUserDecides(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(1), newSite(t)
	edge.fill(0, 100, "yard")
	copied := edge.stopped().Copy()
	edge.Start()
	edge.fill(100, 200, "yard")
	require.NoError(t, once(t, edge, centre))
	edge.Stop()
	edge.PutBack(copied)
	edge.Start()
	require.ErrorContains(t, once(t, edge, centre),
		"topic sightings partition 0 of the source is not the one that was mirrored up to 200: it ends at 100; it lost its end, or an older copy was put back; ")
	edge.fill(0, 250, "gate") // it has grown beyond the position
	require.ErrorContains(t, once(t, edge, centre), "put back the right log, or add --remirror")
	require.NoError(t, once(t, edge, centre, func(c *mirror.Config) { c.Remirror = true }))
	require.NoError(t, once(t, edge, centre))
	rows := newTables(t)
	centre.sinkInto(rows)
	rows.requireEach(map[string]int{"yard": 200, "gate": 250}) // what the edge has lost is kept
}

// A topic of the edge that was deleted and created again is mirrored from its beginning.
func TestMirror_TopicCreatedAgain_FromItsBeginning(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(1), newSite(t)
	edge.fill(0, 50, "yard")
	require.NoError(t, once(t, edge, centre))
	_, err := kadm.NewClient(edge.cl).DeleteTopics(t.Context(), kafka.Sightings)
	require.NoError(t, err)
	again := siteAt(t, edge.Addr()).withTopics(1)
	again.fill(50, 70, "yard")
	require.NoError(t, once(t, edge, centre))
	centre.requireFrames(70, "yard")
}

func TestMirror_IntoItself_IsRefused(t *testing.T) {
	t.Parallel()
	edge := newSite(t).withTopics(1)
	require.ErrorContains(t, once(t, edge, edge), "the source and the target are one cluster, ")
}

// A mirror back would mirror its own records for ever.
func TestMirror_Back_IsRefused(t *testing.T) {
	t.Parallel()
	edge, centre := newSite(t).withTopics(1), newSite(t)
	edge.fill(0, 50, "yard")
	require.NoError(t, once(t, edge, centre))
	require.ErrorContains(t, once(t, centre, edge),
		"topic sightings is mirrored from the target into the source already, as group sightlog-mirror: its records would go round for ever; stop one")
	edge.requireFrames(50, "yard")

	cl := kadm.NewClient(centre.cl)
	_, err := cl.CreateTopic(t.Context(), 1, 1, nil, "orders")
	require.NoError(t, err)
	orders := func(c *mirror.Config) { c.Topics = []string{"orders"} }
	require.NoError(t, once(t, centre, edge, orders), "another topic goes back")
	require.NoError(t, once(t, edge, centre), "which does not concern the first")
	_, err = cl.DeleteTopics(t.Context(), mirror.Positions)
	require.NoError(t, err)
	require.NoError(t, once(t, centre, edge), "the first mirror is gone for good")
}
