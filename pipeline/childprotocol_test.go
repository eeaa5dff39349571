package pipeline_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sightlog/sightlog/config"
	"github.com/sightlog/sightlog/pipeline"
)

func TestJob_NamesThatAreNotUTF8_ReachTheChild(t *testing.T) {
	t.Parallel()
	job := func() pipeline.Job {
		return pipeline.Job{ // anew: Write must not change it either
			Detect:  config.Detect{Source: []string{"c=caf\xe9.mp4", "-"}, Preview: "out\xff/", StartTimeout: time.Second, Score: 0.5},
			Kafka:   config.Kafka{Cluster: config.Cluster{Brokers: []string{"h:1"}, SASLPassword: "<\xe9>"}, Partitions: 3},
			Stdin:   true,
			Cameras: map[string]config.CameraSettings{"c": {FPS: 5, Zones: map[string][]config.Point{"z": {{0, 0.25}, {1, 1}}}}},
			Hold:    map[string]time.Time{"c": time.Unix(1, 2).UTC()},
		}
	}
	var pipe bytes.Buffer
	written := job()
	require.NoError(t, written.Write(&pipe))
	got, err := pipeline.NewJobs(&pipe).Next()
	require.NoError(t, err)
	require.Equal(t, job(), got)
	_, err = pipeline.NewJobs(strings.NewReader("{}\n")).Next()
	require.ErrorContains(t, err, "read the supervisor's job")
}
