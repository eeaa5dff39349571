package mirror_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/broker"
	"github.com/sightlog/sightlog/internal/testenv"
)

// The disk of the edge is full, of whatever: what its log took reaches the centre all the same, and it goes on
// when there is room.
func TestMirror_EdgesDiskFull_WhatItTookArrives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testenv.SmallDisk(t, dir, 32)
	edge := newSite(t, func(c *broker.Config) { c.Dir = filepath.Join(dir, "log") }).withTopics(1)
	centre := newSite(t)
	edge.fill(0, 100, "porch")
	require.NoError(t, once(t, edge, centre))
	centre.Stop()
	m, stop := start(t, edge, centre)
	edge.fill(100, 1000, "porch")
	testenv.Await(t, "the problem", func() bool { return len(m.Problems()) > 0 })

	free := testenv.FillDisk(t, dir)
	taken := 1000 + edge.fillUntilRefused("yard")
	centre.Start()
	testenv.Await(t, "all that it took", func() bool { return len(centre.committed("sightings")) == taken })

	free()
	testenv.Await(t, "the edge to take more", func() bool {
		return edge.cl.ProduceSync(t.Context(), frames(t, 1000, 1001, "porch")...).FirstErr() == nil
	})
	testenv.Await(t, "the rest, and the group's offsets", func() bool { return edge.mirrored() == int64(taken+1) })
	stop()
	centre.requireEach(map[string]int{"porch": 1001, "yard": taken - 1000})
	rows := newTables(t)
	centre.sinkInto(rows)
	rows.requireEach(map[string]int{"porch": 1001, "yard": taken - 1000})
}
