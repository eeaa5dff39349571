package kafka_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/kafka"
)

// Somebody adds partitions to the sightings: a run that is there goes on in its partition, also a file's that is resumed, each
// frame once; the camera's next run begins in the partition that its name has then.
func TestWriters_PartitionsAdded_RunStaysInItsPartition(t *testing.T) {
	_, cfg := setUp(t)
	open := map[string]func(run event.Run) (kafka.Writer, func()){
		"file": func(run event.Run) (kafka.Writer, func()) {
			w, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
			require.NoError(t, err)
			return w, func() {}
		},
		"live": func(run event.Run) (kafka.Writer, func()) {
			live, err := kafka.OpenLive(cfg)
			require.NoError(t, err)
			w, err := live.Open(t.Context(), run)
			require.NoError(t, err)
			return w, live.Close
		},
	}
	cameras := map[string]string{"file": "porch", "live": "yard"}
	runs := map[string]event.Run{}
	for kind, camera := range cameras {
		run := fileRun()
		run.Camera = camera
		w, closeAll := open[kind](run)
		send(t, w, 0, 5)
		require.NoError(t, w.Close(t.Context()))
		closeAll()
		runs[kind] = w.Run()
		require.Equal(t, kafka.Partition([]byte(camera), 8), w.Run().LogPartition)
	}
	more := 9
	for kafka.Partition([]byte("porch"), more) == runs["file"].LogPartition || kafka.Partition([]byte("yard"), more) == runs["live"].LogPartition {
		more++
	}
	addPartitions(t, cfg, more)

	w, _ := open["file"](fileRun())
	require.Equal(t, runs["file"].ID, w.Run().ID, "the run is resumed")
	require.EqualValues(t, 5, w.Next())
	send(t, w, 5, 10)
	require.NoError(t, w.Finish(t.Context(), event.Run{Outcome: event.OutcomeFinished}))
	run := fileRun()
	run.Camera = "yard"
	next, closeAll := open["live"](run)
	send(t, next, 0, 3)
	require.NoError(t, next.Close(t.Context()))
	closeAll()

	require.Equal(t, map[string][]int64{
		runs["file"].ID: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, runs["live"].ID: {0, 1, 2, 3, 4}, next.Run().ID: {0, 1, 2},
	}, committed(t, cfg))
	require.Equal(t, map[string]int32{
		runs["file"].ID: runs["file"].LogPartition, runs["live"].ID: runs["live"].LogPartition, next.Run().ID: kafka.Partition([]byte("yard"), more),
	}, partitionsOf(t, cfg, more))
}

// The topic of the sightings is created again, with fewer partitions: a file's run that was not at its
// end is written from its beginning, and, killed on the way, resumed from there.
func TestOpenFile_TopicCreatedAgainWithFewerPartitions_RunBeginsThere(t *testing.T) {
	_, cfg := setUp(t)
	camera := "porch"
	for kafka.Partition([]byte(camera), 8) < 2 {
		camera += "h"
	}
	run := fileRun()
	run.Camera = camera
	w, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
	require.NoError(t, err)
	send(t, w, 0, 5)
	require.NoError(t, w.Close(t.Context()))
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	adm := kadm.NewClient(cl)
	_, err = adm.DeleteTopics(t.Context(), kafka.Sightings)
	require.NoError(t, err)
	_, err = adm.CreateTopic(t.Context(), 2, 1, nil, kafka.Sightings)
	require.NoError(t, err)
	for _, to := range []int64{4, 10} {
		again, err := kafka.OpenFile(t.Context(), cfg, run, 0, never)
		require.NoError(t, err)
		require.Equal(t, w.Run().ID, again.Run().ID, "the run is resumed")
		require.Equal(t, kafka.Partition([]byte(camera), 2), again.Run().LogPartition)
		send(t, again, again.Next(), to)
		require.NoError(t, again.Close(t.Context()))
	}
	require.Equal(t, map[string][]int64{w.Run().ID: {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}, committed(t, cfg))
}

func addPartitions(t *testing.T, cfg kafka.Config, n int) {
	t.Helper()
	cl, err := cfg.Client()
	require.NoError(t, err)
	defer cl.Close()
	r, err := kadm.NewClient(cl).UpdatePartitions(t.Context(), n, kafka.Sightings)
	require.NoError(t, err)
	require.NoError(t, r.Error())
}

// partitionsOf returns the one partition of each run's sightings.
func partitionsOf(t *testing.T, cfg kafka.Config, partitions int) map[string]int32 {
	t.Helper()
	var all []int32
	for p := range partitions {
		all = append(all, int32(p))
	}
	of := map[string]int32{}
	require.NoError(t, kafka.ReadPartitions(t.Context(), cfg, kafka.Sightings, all, func(r *kgo.Record) error {
		s, err := event.DecodeSighting(r.Value)
		require.NoError(t, err)
		before, found := of[s.Run]
		require.True(t, !found || before == r.Partition, "run %s is in partitions %d and %d", s.Run, before, r.Partition)
		of[s.Run] = r.Partition
		return nil
	}))
	return of
}
