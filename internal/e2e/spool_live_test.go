package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/rtsptest"
	"github.com/sightlog/sightlog/internal/testenv"
	"github.com/sightlog/sightlog/kafka"
)

// The brokers are away from the start on, and the camera is cut twice: once while they are away, and once more, while
// they come back. One crossing is before the first cut, one between the two, one behind both; one happens while the
// camera is cut, which nobody sees. In the end the brokers have each frame, crossing and visit once and in order, and
// the tables the same.
func TestDetect_SpoolLiveCameraCutAndBrokersAway_EventsOnceInOrder(t *testing.T) {
	t.Parallel()
	rtsptest.NeedFFmpeg(t)
	config := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(config, []byte(hall), 0o600))
	listen, central, spool, tables := testenv.FreeAddr(t), dataDir(t), dataDir(t), dataDir(t)
	server, walker := rtsptest.Start(t, ""), newCamera(t)
	restart := walker.filmWithCuts(t, server)
	d := start(t, sightlog, "detect", "--config", config, "--source", "hall="+server.URL(), "--start-timeout", "1m", "--wait",
		"--spool", spool, "--brokers", listen)
	own, _ := endpoints(t, spool, d)
	await := func(what string, holds func() bool) {
		t.Helper()
		for deadline := time.Now().Add(limit); !holds(); {
			require.False(t, d.ended() || time.Now().After(deadline), "it does not come to: %s\n%s", what, d.output)
		}
	}
	// seen waits until it is sure that a picture of now was looked at.
	seen := func() {
		t.Helper()
		now := time.Now()
		await("frames", func() bool {
			later := 0
			for _, s := range sightingsIn(t, own) {
				if s.CapturedAt.After(now) {
					later++
				}
			}
			return later > 3
		})
	}
	crossed := func(n int) {
		t.Helper()
		await(strconv.Itoa(n)+" crossings", func() bool { return offsetsIn(t, "crossings", "--brokers", own) >= n })
		seen()
	}
	cut := func(meanwhile func()) {
		t.Helper()
		restart(meanwhile)
		seen()
	}

	seen()
	walker.play(45)
	crossed(1)
	cut(func() {})
	walker.play(100)
	crossed(2)
	var centre *process
	cut(func() {
		walker.unseen(t, 165)
		centre = start(t, sightlogd, "broker", "--listen", listen, "--data", central)
		endpoints(t, central, centre)
		await("the backlog at the brokers", func() bool { return len(sightingsIn(t, listen)) >= len(sightingsIn(t, own)) })
	})
	walker.play(220)
	crossed(3)
	spooled := sightingsIn(t, own)
	require.Zero(t, d.stop(t).code, d.output)
	require.NotContains(t, d.output.String(), "records are in the spool")
	require.NotContains(t, d.output.String(), "s3cret")

	// Every frame that was looked at, once, in the order of the spool.
	mirrored := sightingsIn(t, listen)
	require.GreaterOrEqual(t, len(mirrored), len(spooled))
	for i, s := range mirrored {
		require.True(t, i >= len(spooled) || spooled[i].EventID == s.EventID, "%d", i)
		require.Equal(t, mirrored[0].Run, s.Run, "the cuts are within a run")
		if i > 0 {
			require.Equal(t, mirrored[i-1].Seq+1+s.DroppedBefore, s.Seq)
			require.True(t, s.CapturedAt.After(mirrored[i-1].CapturedAt.Time))
		}
	}
	var want, got []string
	for _, filmed := range [][2]int64{{0, 45}, {45, 100}, {165, 220}} {
		ways := walker.crossings(t, filmed[0], filmed[1])
		require.Len(t, ways, 1)
		want = append(want, ways...)
	}
	require.Len(t, walker.crossings(t, 100, 165), 1, "the one that nobody sees")
	for _, c := range topicCrossings(t, listen) {
		got = append(got, c.Direction)
	}
	require.Equal(t, want, got)
	var before *event.Visit
	for _, v := range topicVisits(t, listen) {
		require.True(t, before == nil || v.Seq >= before.Seq, "%s comes after %v", v.EventID, before)
		before = v
	}

	serve := start(t, sightlogd, "serve", "--brokers", listen, "--data", tables)
	endpoints(t, tables, serve)
	from := []string{"--data", tables}
	stored := func() []int {
		return []int{number(t, from, "select count(*) from sightings"), number(t, from, "select count(*) from crossings"),
			number(t, from, "select count(*) from runs where finished_at is not null")}
	}
	all := []int{len(mirrored), len(want), 1}
	require.Eventually(t, func() bool { return slices.Equal(all, stored()) }, limit, tick, "%v, not %v\n%s", stored(), all, serve.output)
	requireVisitsOfTables(t, listen, tables, 0)
	for _, p := range []*process{serve, centre} {
		require.Zero(t, p.stop(t).code, p.output)
	}
}

// sightingsIn are the committed sightings that a broker has now, none before it has the first. A tool that reads up to
// the end does not find it while a camera films.
func sightingsIn(t testing.TB, broker string) (all []*event.Sighting) {
	t.Helper()
	if offsetsIn(t, kafka.Sightings, "--brokers", broker) == 0 {
		return nil
	}
	partitions := []int32{0, 1, 2, 3, 4, 5, 6, 7}
	require.NoError(t, kafka.ReadPartitions(t.Context(), kafka.Config{Brokers: []string{broker}}, kafka.Sightings, partitions, func(r *kgo.Record) error {
		s, err := event.DecodeSighting(r.Value)
		all = append(all, s)
		return err
	}))
	return all
}
