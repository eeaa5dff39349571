package kafkatools_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/event"
	"github.com/sightlog/sightlog/internal/kafkatest"
	"github.com/sightlog/sightlog/kafka"
)

// Kafka Streams with exactly_once_v2 and RocksDB: people in windows of a second, and sightings joined with a table of
// cameras. It is killed once on the way. Each sum comes once and in order, and each sighting is joined once.
func TestStreams_WindowsAndJoin_ExactlyOnce(t *testing.T) {
	t.Parallel()
	classPath := classes(t, "testdata/java", kafkatest.ClassPath(t))
	onBoth(t, func(w *world) {
		const frames = 100
		w.topics("people", "placed")
		w.table()
		app := java(w.T, classPath, "People", w.addr, w.TempDir())
		first := w.film(0, frames)
		w.await("people", 1, app)
		app.kill()
		app.start()
		w.await("people", frames*len(cameras), app)
		second := w.film(frames, 2*frames)
		w.await("people", 2*frames*len(cameras), app)
		w.await("placed", 2*frames*len(cameras), app)
		app.stop()

		want := map[string][]string{}
		placed := map[string]int{}
		for _, camera := range cameras {
			sums := map[string]int{}
			for n := range int64(2 * frames) {
				window := began.Add(time.Duration(n) * time.Second / framesPerSecond).Truncate(time.Second).UnixMilli()
				key := camera + "@" + strconv.FormatInt(window, 10)
				sums[key] += people(camera, n)
				want[key] = append(want[key], strconv.Itoa(sums[key]))
				run, seq := first[camera], n
				if n >= frames {
					run, seq = second[camera], n-frames
				}
				placed["at the "+camera+" "+event.MakeEventID(camera, run, seq)]++
			}
		}
		got := map[string][]string{}
		for _, r := range w.read("people") {
			got[string(r.Key)] = append(got[string(r.Key)], string(r.Value))
		}
		require.Equal(w, want, got)
		joined := map[string]int{}
		for _, r := range w.read("placed") {
			joined[string(r.Value)]++
		}
		require.Equal(w, placed, joined)
	})
}

// table writes the table of cameras: a compacted topic with as many partitions as the sightings have.
func (w *world) table() {
	w.Helper()
	compact := "compact"
	r, err := w.adm.CreateTopic(w.Context(), 8, 1, map[string]*string{"cleanup.policy": &compact}, "cameras")
	require.NoError(w, err)
	require.NoError(w, r.Err)
	for _, camera := range cameras {
		partition := kafka.Partition([]byte(camera), 8)
		rec := &kgo.Record{Topic: "cameras", Key: []byte(camera), Value: fmt.Appendf(nil, `{"place":"at the %s"}`, camera)}
		require.NoError(w, w.cl.ProduceSync(w.Context(), rec).FirstErr())
		require.Equal(w, partition, rec.Partition, "a camera has the same partition in every topic")
	}
}
