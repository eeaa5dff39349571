package occupancy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/sightlog/sightlog/internal/registrytest"
	"github.com/sightlog/sightlog/kafka"
	"github.com/sightlog/sightlog/schema"
)

// Frames of every encoding are counted, and none is skipped while the registry does not answer.
func TestProcessor_TopicOfMixedEncodings_EachFrameCounted(t *testing.T) {
	t.Parallel()
	w, registry := newWorld(t), registrytest.Start(t).Mix()
	all := frames(0, 200, "porch")
	for i, f := range all {
		c, err := schema.New(schema.Config{URL: registry.URL, Encoding: []string{schema.JSON, schema.Avro, schema.Protobuf}[i%3]})
		require.NoError(t, err)
		b, err := c.Encode(t.Context(), f)
		require.NoError(t, err)
		require.NoError(t, w.cl.ProduceSync(t.Context(), &kgo.Record{Topic: kafka.Sightings, Key: []byte(f.Camera), Value: b}).FirstErr())
		w.log.Schemas = c
	}
	registry.Stop()
	p, _ := w.processor(sized(10*time.Second, 10*time.Second), idle(100*time.Millisecond))
	w.await("a problem", func() bool {
		return slices.ContainsFunc(p.Problems(), func(text string) bool { return strings.Contains(text, schema.ErrUnavailable.Error()) })
	})
	registry.Start()
	w.exactly(reference(10*time.Second, 10*time.Second, all...))
}
